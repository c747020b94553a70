"""What training gains from more GPUs, by one formula: the table and the figure of docs/scaling.md.

    python benchmarks/scaling.py                               a few seconds; writes benchmarks/results/scaling.txt
    python benchmarks/scaling.py --rate 25000 --floor 1 --out /dev/stdout      another GPU: windows/s, ms a step

A step of N GPUs, each with w windows, takes

    T = floor + (w / rate) (1 + jitter E_N) + sum,      sum = the least of    ring   2 (N - 1) (α + m / (N β))
                                                                              tree   2 ⌈log₂ N⌉ (α + m / β)

where m is the gradient's bytes, α a link's latency, β its bandwidth, and E_N the expected largest of N standard normal
numbers: a step waits for its slowest rank. First the formula is compared with what could be measured, the sums and
steps of processes on one machine (benchmarks/results/parallel.json). Its results for GPUs rest on the numbers below,
which are assumptions of the right order of magnitude; none was measured here.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import norm

from minieqt.arguments import guarded, positive
from minieqt.errors import UserError
from minieqt.files import write_text
from minieqt.plots import BLUE, VERMILION, new_figure, save_figure

RESULTS = Path(__file__).parent / "results"
MEASURED = RESULTS / "parallel.json"
GRADIENT = 4 * 371_639  # bytes: float32, one for each parameter of the paper's network
BATCH = 200  # windows: the paper's
COUNTS = (1, 2, 4, 8, 16, 64, 256, 1024)


class Link(NamedTuple):
    """latency α: seconds per message; bandwidth β: bytes/s in each direction."""

    latency: float
    bandwidth: float

    def seconds(self, size: float) -> float:
        """Of a message of `size` bytes."""
        return self.latency + size / self.bandwidth


class Device(NamedTuple):
    """rate: windows/s in a large batch; floor: seconds of a step at any batch; jitter: relative, of a batch's time."""

    rate: float
    floor: float
    jitter: float


# Assumed. A training step is about 0.77 GFLOP per window: 10,000 windows/s are 7.7 TFLOP/s. The floor is what
# hundreds of kernels and the LSTMs' 47 steps take at any batch size.
GPU = Device(rate=10_000, floor=2e-3, jitter=0.01)
LINKS = {"NVLink": Link(2e-6, 300e9), "Ethernet": Link(50e-6, 1.25e9)}


# -- the formula -------------------------------------------------------------------------------------------------------


def ring(N: int, size: float, link: Link, processors: float = math.inf) -> float:
    """Seconds of an all-reduce of `size` bytes. Where there are fewer processors than ranks, these take turns."""
    return 2 * (N - 1) * link.seconds(size / N) * max(1.0, N / processors)


def all_reduce(N: int, size: float, link: Link) -> float:
    """Seconds of the faster of ring and tree."""
    return min(ring(N, size, link), 2 * math.ceil(math.log2(N)) * link.seconds(size))


def expected_maximum(N: int) -> float:
    """E_N, the expected largest of N independent standard normal numbers: ∫ z N φ(z) Φ(z)^(N-1) dz, near √(2 ln N)."""
    z = np.linspace(-9, 9, 20_001)
    return float(np.trapezoid(z * N * norm.pdf(z) * norm.cdf(z) ** (N - 1), z))


def step(N: int, windows: float, device: Device, link: Link) -> float:
    """Seconds of a step with `windows` windows per GPU."""
    slowest = windows / device.rate * (1 + device.jitter * expected_maximum(N))
    return device.floor + slowest + all_reduce(N, GRADIENT, link)


def fit(measured: Mapping[Any, float], ranks: int, processors: float = math.inf) -> tuple[Link, float]:
    """The link whose ring comes closest to the measured {bytes: seconds}, and the largest relative error."""
    sizes, seconds = np.array([float(size) for size in measured]), np.array(list(measured.values()))
    steps = ring(ranks, 0, Link(1, 1), processors)
    columns = np.stack([np.full(len(sizes), steps), steps * sizes / ranks], axis=1) / seconds[:, None]
    (latency, slowness), *_ = np.linalg.lstsq(columns, np.ones(len(sizes)))
    return Link(float(latency), float(1 / slowness)), float(np.abs(columns @ (latency, slowness) - 1).max())


# -- against what was measured -----------------------------------------------------------------------------------------


def predicted_sums(measured: dict[str, Any]) -> Iterator[tuple[int, int, float, float]]:
    """(ranks, bytes, measured seconds, the model's) of the ring. Two ranks have a processor each, and their link is
    fitted to them; from three on ranks take turns: their link is fitted to three, the others are predicted."""
    processors = measured["processors"]
    found = measured["sums"]["ring"].items()
    columns = {int(ranks): {int(size): seconds for size, seconds in column.items()} for ranks, column in found}
    alone, turns = fit(columns[2], 2)[0], fit(columns[3], 3, processors)[0]
    for ranks, column in columns.items():
        for size, seconds in column.items():
            yield ranks, size, seconds, ring(ranks, size, turns if ranks > processors else alone, processors)


def predicted_step(measured: dict[str, Any]) -> tuple[float, float]:
    """Seconds of a step of two ranks, measured and the model's, from how one rank alone does its part."""
    alone, both = (list(zip(*measured["steps"][ranks], strict=True)) for ranks in ("1", "2"))
    quarters = statistics.quantiles(alone[0], n=4)
    deviation = (quarters[2] - quarters[0]) / 1.349  # of a normal number
    link, _ = fit(measured["sums"]["ring"]["2"], 2)
    model = statistics.median(alone[0]) + deviation * expected_maximum(2) + ring(2, GRADIENT, link)
    return statistics.median(both[0]), model


def report(measured: dict[str, Any], device: Device) -> str:
    """Both tables."""
    rows = list(predicted_sums(measured))
    lines = [measured["machine"], "", "all-reduce by the ring: model / measured (2, 3 ranks fitted, others predicted)"]
    counts = sorted({row[0] for row in rows})
    lines.append(f"{'bytes':>10}" + "".join(f"{count:>6} ranks" for count in counts))
    for size in sorted({row[1] for row in rows}):
        found = {ranks: model / seconds for ranks, bytes_, seconds, model in rows if bytes_ == size}
        lines.append(f"{size:>10,}" + "".join(f"{found[count]:12.2f}" for count in counts))
    seen, model = predicted_step(measured)
    lines += ["", f"a step of two workers: {1e3 * seen:.0f} ms, by the model {1e3 * model:.0f} ms"]
    lines += ["", f"assumed, not measured: {device.rate:,.0f} windows/s a GPU and {1e3 * device.floor:g} ms a step"]
    lines += ["", "windows/s, and their share of N times one GPU's"]
    titles = [f"{link}, {what}" for link in LINKS for what in ("200 a GPU", "200 together")]
    lines.append(f"{'GPUs':>6}" + "".join(f"{title:>24}" for title in titles))
    for N in COUNTS:
        cells = []
        for link in LINKS.values():
            for windows in (BATCH, BATCH / N):
                rate, share = speed(N, windows, device, link)
                cells.append(f"{rate:>18,.0f}{share:>6.0%}" if windows >= 1 else "")
        lines.append(f"{N:>6}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def speed(N: int, windows: float, device: Device, link: Link) -> tuple[float, float]:
    """Windows/s of N GPUs, and their share of N times one GPU's with the paper's batch."""
    rate = N * windows / step(N, windows, device, link)
    return rate, rate / (N * BATCH / step(1, BATCH, device, link))


def figure(device: Device) -> Any:
    """Efficiency, the share of N times one GPU's speed, against N."""
    drawn = new_figure(figsize=(7, 3.5))
    axes = drawn.subplots()
    for (name, link), colour in zip(LINKS.items(), (BLUE, VERMILION), strict=True):
        for line, title, together in (("-", "200 windows a GPU", False), (":", "200 windows together", True)):
            counts = [N for N in COUNTS if N <= BATCH or not together]
            shares = [speed(N, BATCH / N if together else BATCH, device, link)[1] for N in counts]
            axes.plot(counts, shares, line, color=colour, marker="o", markersize=4, label=f"{name}, {title}")
    axes.set(xscale="log", xlabel="GPUs", ylabel="share of the ideal", ylim=(0, 1.05))
    axes.set_xticks(COUNTS, map(str, COUNTS))
    axes.set_xticks((), minor=True)
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.legend(frameon=False, fontsize="small")
    return drawn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=positive, default=GPU.rate, help=f"windows/s of a GPU ({GPU.rate:,.0f})")
    parser.add_argument("--floor", type=positive, default=1e3 * GPU.floor, help=f"ms a step ({1e3 * GPU.floor:g})")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw what is left of the ideal")
    parser.add_argument("--out", type=Path, default=RESULTS / "scaling.txt")
    options = parser.parse_args()
    if not MEASURED.is_file():
        raise UserError(f"{MEASURED} does not exist: run benchmarks/parallel.py first")
    device = GPU._replace(rate=options.rate, floor=options.floor / 1e3)
    text = report(json.loads(MEASURED.read_text(encoding="utf-8")), device)
    print(text, end="")
    write_text(options.out, text)
    if options.figure:
        save_figure(figure(device), options.figure)
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/scaling.py", main))

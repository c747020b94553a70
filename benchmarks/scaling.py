"""What training gains from more GPUs, by the model of scaling_model.py: the tables and figures of docs/scaling.md.

    python benchmarks/scaling.py                               a few seconds; writes benchmarks/results/scaling.txt
    python benchmarks/scaling.py --figures docs/figures        and scaling.png, scaling_step.png
    python benchmarks/scaling.py --rate 25000 --floor 1 --out /dev/stdout      another GPU: windows/s, ms a step

First the model is held against what could be measured, the sums and steps of processes on one machine
(benchmarks/results/parallel.json). What it then says of GPUs rests on the numbers below. They are assumptions, of the
right order for cards and networks of today; none was measured here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from scaling_model import GRADIENT, Cluster, Device, Link, Step, all_reduce, expected_maximum, fit, ring, step

from minieqt.arguments import guarded, positive
from minieqt.errors import UserError
from minieqt.files import write_text
from minieqt.plots import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, new_figure, save_figure

RESULTS = Path(__file__).parent / "results"
MEASURED = RESULTS / "parallel.json"

# Assumed. A training step is about 0.77 GFLOP a window: 10,000 windows a second are 7.7 TFLOP/s, a third or so of what
# a large card can do in float32. The floor is what hundreds of kernels and the LSTMs' 47 steps take at any batch size.
GPU = Device(rate=10_000, floor=2e-3, jitter=0.01, hiccup=20e-3, chance=1e-3)
CLUSTERS = (
    # One machine with NVLink between all its GPUs and the data in its memory: real up to some dozens, then a bound.
    Cluster("NVLink", 4096, Link(2e-6, 300e9), Link(2e-6, 300e9)),
    # Nodes of eight with NVLink inside, and eight adapters of 200 Gbit/s a node.
    Cluster("InfiniBand", 8, Link(2e-6, 300e9), Link(5e-6, 200e9), 10e9, 100e9),
    # Nodes of four over PCIe, and one adapter of 10 Gbit/s a node, through TCP, which the files come through as well.
    Cluster("Ethernet", 4, Link(10e-6, 12e9), Link(50e-6, 1.25e9), 1e9, 10e9),
)
COUNTS = (1, 2, 4, 8, 16, 64, 256, 1024, 4096)
BATCH = 200  # windows: the paper's
EPOCH = 2 * 0.85 * 1.27e6  # windows: STEAD's training traces, each plain and augmented
PARTS = {"useful": GREEN, "floor": SKY, "stragglers": ORANGE, "sums": BLUE, "files": PURPLE}


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


def predicted_step(measured: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """{what: (measured, the model's)} for two ranks, from how one rank alone does its part: the step in seconds, of it
    the sums, and how many times as fast as one rank two are."""
    alone, both = (list(zip(*measured["steps"][ranks], strict=True)) for ranks in ("1", "2"))
    link, _ = fit(measured["sums"]["ring"]["2"], 2)
    one = statistics.median(alone[0])
    sums = sum(ring(2, size, link) for size in (GRADIENT, 8 * 1856, 8 * 2, 4 * 8 * 2))
    deviation = (statistics.quantiles(alone[0], n=4)[2] - statistics.quantiles(alone[0], n=4)[0]) / 1.349  # if normal
    model = one + deviation * expected_maximum(2) + sums
    seconds, _, adding = map(statistics.median, both)
    return {"step (ms)": (1e3 * seconds, 1e3 * model), "sums (ms)": (1e3 * adding, 1e3 * sums),
            "times as fast as one": (2 * one / seconds, 2 * one / model)}


def check(measured: dict[str, Any]) -> list[str]:
    """The model's sums and steps beside the measured ones."""
    rows = list(predicted_sums(measured))
    lines = [measured["machine"], "", "all-reduce by the ring: model / measured (2, 3 ranks fitted, others predicted)"]
    counts = sorted({row[0] for row in rows})
    lines.append(f"{'bytes':>10}" + "".join(f"{count:>6} ranks" for count in counts))
    for size in sorted({row[1] for row in rows}):
        found = {ranks: model / seconds for ranks, bytes_, seconds, model in rows if bytes_ == size}
        lines.append(f"{size:>10,}" + "".join(f"{found[count]:12.2f}" for count in counts))
    lines += ["", f"{'two workers':<24}{'measured':>10}{'model':>10}{'error':>8}"]
    for what, (seen, model) in predicted_step(measured).items():
        lines.append(f"{what:<24}{seen:10.2f}{model:10.2f}{model / seen - 1:8.0%}")
    return lines


# -- what the model says -----------------------------------------------------------------------------------------------


def efficiency(found: Step, N: int, device: Device) -> float:
    """Windows/s as a share of N times those of one GPU with the paper's batch that waits for nobody."""
    alone = step(1, BATCH, replace(device, jitter=0, chance=0), CLUSTERS[0], cached=True)
    return found.rate / (N * alone.rate)


def sums_table() -> list[str]:
    """The gradient's sum, and by which way it is the quickest."""
    lines = [f"{'all-reduce of 1.5 MB':<22}" + "".join(f"{cluster.name + ' (ms)':>17}{'':<9}" for cluster in CLUSTERS)]
    for N in COUNTS[1:]:
        cells = (all_reduce(N, GRADIENT, cluster) for cluster in CLUSTERS)
        lines.append(f"{N:>6} GPUs{'':<11}" + "".join(f"{1e3 * seconds:12.3f} {way:<13}" for seconds, way in cells))
    return lines


def weak_table(cluster: Cluster, device: Device) -> list[str]:
    """A fixed batch a GPU: more GPUs, larger steps."""
    lines = [f"{cluster.name}, {BATCH} windows a GPU",
             f"{'GPUs':>6}{'windows/s':>12}{'of ideal':>10}{'if the data are in memory':>27}{'steps an epoch':>16}"
             "   most is lost to"]
    for N in COUNTS:
        found, cached = (step(N, BATCH, device, cluster, cached=flag) for flag in (False, True))
        share, at_best = (efficiency(one, N, device) for one in (found, cached))
        steps = EPOCH / found.windows
        lines.append(f"{N:>6}{found.rate:12,.0f}{share:10.0%}{at_best:27.0%}{steps:16,.0f}   {found.limit}")
    return lines


def strong_table(device: Device) -> list[str]:
    """A fixed batch of all GPUs together: more GPUs, shorter steps."""
    lines = [f"{BATCH} windows of all GPUs together: windows/s, times one GPU's, and what most is lost to",
             f"{'GPUs':>6}" + "".join(f"{cluster.name:>24}" for cluster in CLUSTERS)]
    alone = step(1, BATCH, device, CLUSTERS[0]).rate
    for N in (count for count in COUNTS if count <= BATCH):
        cells = (step(N, BATCH / N, device, cluster) for cluster in CLUSTERS)
        lines.append(f"{N:>6}" + "".join(f"{one.rate:9,.0f}{one.rate / alone:5.1f} {one.limit:<9}" for one in cells))
    return lines


REMEDIES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "data in every node's memory": {"cached": True},
    "  and sums in buckets, during backward": {"cached": True, "overlap": True},
    "  and a step every 4 batches (--accumulate)": {"cached": True, "accumulate": 4},
    "  and an average every 8 steps (local SGD)": {"cached": True, "local": 8},
}


def remedies_table(device: Device) -> list[str]:
    """What the remedies are worth where something is lost."""
    ethernet, infiniband = CLUSTERS[2], CLUSTERS[1]
    cases = [(8, ethernet, 25), (64, ethernet, BATCH), (8, infiniband, 25), (1024, infiniband, BATCH)]
    lines = [f"{'share of the ideal':<44}" + "".join(f"{f'{N} {cluster.name}':>17}" for N, cluster, _ in cases),
             f"{'windows a GPU':<44}" + "".join(f"{windows:>17}" for *_, windows in cases)]
    for name, options in REMEDIES.items():
        shares = (efficiency(step(N, windows, device, c, **options), N, device) for N, c, windows in cases)
        lines.append(f"{name:<44}" + "".join(f"{share:>17.0%}" for share in shares))
    return lines


def report(measured: dict[str, Any], device: Device) -> str:
    """All tables."""
    assumed = f"assumed, not measured: {device.rate:,.0f} windows/s a GPU and {1e3 * device.floor:g} ms a step"
    parts = [check(measured), [assumed], sums_table(), *(weak_table(cluster, device) for cluster in CLUSTERS),
             strong_table(device), remedies_table(device)]
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in parts) + "\n"


# -- figures -----------------------------------------------------------------------------------------------------------


def figures(device: Device, folder: Path) -> None:
    """scaling.png, how much of the ideal is left; scaling_step.png, where a step's time goes."""
    figure = new_figure(figsize=(9, 4))
    weak, strong = figure.subplots(1, 2, sharey=True)
    styles = ((GREEN, "-", "o"), (BLUE, "--", "s"), (VERMILION, ":", "^"))
    shared = [N for N in COUNTS if N <= BATCH]
    for cluster, (colour, line, marker) in zip(CLUSTERS, styles, strict=True):
        for axes, counts, windows in ((weak, COUNTS, lambda N: BATCH), (strong, shared, lambda N: BATCH / N)):
            shares = [efficiency(step(N, windows(N), device, cluster, cached=True), N, device) for N in counts]
            axes.plot(counts, shares, line, color=colour, marker=marker, markersize=5, label=cluster.name)
    weak.set(title=f"{BATCH} windows a GPU", ylabel="share of the ideal")
    strong.set(title=f"{BATCH} windows of all GPUs together")
    for axes in (weak, strong):
        axes.set(xscale="log", xlabel="GPUs", ylim=(0, 1.05))
        axes.grid(alpha=0.3, linewidth=0.5)
    for axes, ticks in ((weak, COUNTS), (strong, shared)):
        axes.set_xticks(ticks, map(str, ticks), fontsize="small", rotation=45)
        axes.set_xticks((), minor=True)
    figure.suptitle("Data in every node's memory")
    weak.legend(frameon=False, loc="lower left")
    save_figure(figure, folder / "scaling.png")

    figure = new_figure(figsize=(9, 5.5))
    grid = figure.subplots(2, len(CLUSTERS), sharey=True)
    for row, counts, windows in ((grid[0], COUNTS, lambda N: BATCH), (grid[1], shared, lambda N: BATCH / N)):
        for axes, cluster in zip(row, CLUSTERS, strict=True):
            below = [0.0] * len(counts)
            found = [step(N, windows(N), device, cluster) for N in counts]
            for part, colour in PARTS.items():
                shares = [getattr(one, part) / one.seconds for one in found]
                axes.bar(range(len(counts)), shares, bottom=below, color=colour, label=part, width=0.85)
                below = [a + b for a, b in zip(below, shares, strict=True)]
            axes.set_xticks(range(len(counts)), map(str, counts), fontsize="small", rotation=45)
            axes.set(ylim=(0, 1), xlabel="GPUs")
    for axes, cluster in zip(grid[0], CLUSTERS, strict=True):
        axes.set_title(cluster.name)
    grid[0, 0].set_ylabel(f"share of a step\n{BATCH} windows a GPU")
    grid[1, 0].set_ylabel(f"share of a step\n{BATCH} windows together")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(PARTS), frameon=False)
    save_figure(figure, folder / "scaling_step.png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=positive, default=GPU.rate, help=f"windows/s of a GPU ({GPU.rate:,.0f})")
    parser.add_argument("--floor", type=positive, default=1e3 * GPU.floor, help=f"ms a step ({1e3 * GPU.floor:g})")
    parser.add_argument("--measured", type=Path, default=MEASURED, help="what benchmarks/parallel.py has written")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw the figures into this folder")
    parser.add_argument("--out", type=Path, default=RESULTS / "scaling.txt")
    options = parser.parse_args()
    if not options.measured.is_file():
        raise UserError(f"{options.measured} does not exist: run benchmarks/parallel.py first")
    device = replace(GPU, rate=options.rate, floor=options.floor / 1e3)
    text = report(json.loads(options.measured.read_text(encoding="utf-8")), device)
    print(text, end="")
    write_text(options.out, text)
    if options.figures:
        figures(device, options.figures)
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/scaling.py", main))

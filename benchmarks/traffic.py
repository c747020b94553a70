"""What the CUDA kernels' accesses to memory cost, counted without a GPU.

    python benchmarks/traffic.py                   a training step of 4 windows; writes benchmarks/results/traffic.txt
    python benchmarks/traffic.py --lines 20        and the 20 lines of code that waste most
    python benchmarks/traffic.py --products 3      on tensor cores (launch.use_products), which are imitated slowly

The kernels run on the host build (kernels/cuda/on_host.h), every access is recorded (kernels/cuda/watchers/), and what
a warp's lanes do together is one request. Of every kernel, for each window:

    touched    megabytes of device memory, every sector of 32 bytes counted once per launch: what must come from there
    moved      megabytes of the sectors of all requests: what goes through the first-level cache
    useful     the share of sectors that the same numbers would have taken side by side
    passes     thousands of passes through shared memory; a multiprocessor makes one per cycle
    conflicts  passes for each that numbers side by side would have taken: 1 without bank conflicts

What a step does once, whatever its size (Adam, layouts, sums over blocks), is divided by few windows here.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from machine import describe
from tqdm import tqdm

from kernels.cuda import launch, on_host
from kernels.cuda.watchers.traffic import Traffic, counted
from minieqt import EQTransformer, backend
from minieqt.adam import Adam
from minieqt.arguments import guarded, whole
from minieqt.errors import UserError
from minieqt.files import write_text

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "traffic.txt"
SECTOR = 32
WINDOWS = 4


def training_step(windows: int) -> None:
    """One step of the whole network, as on a GPU; its arrays are those of the tests' stand-in for CuPy."""
    sys.path.insert(0, str(ROOT / "tests"))
    from cupy_stand_in import CupyStandIn

    sys.modules["cupy"] = cupy = CupyStandIn()
    rng = np.random.default_rng(windows)
    x, labels = (cupy.asarray(rng.random((windows, 3, 6000), np.float32)) for _ in range(2))
    model = EQTransformer(lstm_blocks=2).to("cuda")
    model.train()
    model.zero_gradients()
    model.loss_on_device(x, labels)
    model.backward(need_dx=False)
    Adam(model).step()


def table(launches: list[Traffic], windows: int) -> list[str]:
    """One line per kernel, those that move most first, and one of all."""
    sums: dict[str, Counter] = defaultdict(Counter)
    for kernel, touched, moved in launches:
        for name in kernel, "all":
            sums[name].update(calls=1, touched=touched)
            for part in moved:
                kind = "shared" if part.shared else "device"
                sums[name].update({kind: part.units, f"{kind} least": part.least})
    lines = [f"{'kernel':32}{'calls':>6}{'touched':>9}{'moved':>9}{'useful':>8}{'passes':>9}{'conflicts':>10}"]
    for name, row in sorted(sums.items(), key=lambda item: (item[0] == "all", -item[1]["device"])):
        megabytes = row["touched"] / windows / 1e6, SECTOR * row["device"] / windows / 1e6
        useful = row["device least"] / max(1, row["device"])
        conflicts = f"{row['shared'] / row['shared least']:10.2f}" if row["shared"] else f"{'–':>10}"
        start = f"{name:32}{row['calls']:6}{megabytes[0]:9.2f}{megabytes[1]:9.2f}{useful:8.0%}"
        lines += [f"{start}{row['shared'] / windows / 1e3:9.1f}{conflicts}"]
    return lines


def worst(launches: list[Traffic], windows: int, count: int) -> list[str]:
    """The lines of code that take the most units more than numbers side by side would, in each memory."""
    sums: dict[tuple[bool, str, str], Counter] = defaultdict(Counter)
    for kernel, _, moved in launches:
        for part in moved:
            sums[part.shared, kernel, part.line].update(units=part.units, least=part.least)
    lines: list[str] = []
    for shared, what in (False, "sectors"), (True, "passes"):
        rows = [(key, row) for key, row in sums.items() if key[0] == shared]
        lines += ["", f"{what + ' a window':32}{'line':34}{'units':>9}{'least':>9}"]
        for (_, kernel, line), row in sorted(rows, key=lambda item: item[1]["least"] - item[1]["units"])[:count]:
            lines += [f"{kernel:32}{line:34}{row['units'] / windows:9.0f}{row['least'] / windows:9.0f}"]
    return lines


def main() -> int:
    """Count, print the table, and write the results file if it is the usual one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=whole(1), default=WINDOWS, help=f"in the step ({WINDOWS})")
    parser.add_argument("--lines", type=whole(1), help="show so many lines of code, too")
    parser.add_argument("--products", type=int, choices=(0, 1, 3), default=0, help="of TF32 in one of float32 (0)")
    options = parser.parse_args()
    if not on_host.available():
        raise UserError(f"the kernels are compiled for the host by {on_host.COMPILER}, and there is none")
    launch.use_products(options.products)
    launches: list[Traffic] = []
    with tqdm(desc="launches", unit="", leave=False, disable=None) as bar, backend.using("fast"):

        def keep(traffic: Traffic) -> None:
            launches.append(traffic)
            bar.update()

        with counted(keep):
            training_step(options.windows)
    text = (
        "\n".join([describe(), f"a training step of {options.windows} windows", ""] + table(launches, options.windows))
        + "\n"
    )
    print(text, end="")
    if options.lines:
        print("\n".join(worst(launches, options.windows, options.lines)))
    if options.windows == WINDOWS and not options.products:
        write_text(RESULTS, text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/traffic.py", main))

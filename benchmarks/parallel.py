"""What several processes gain over one, and what their all-reduces cost, in one run of about four minutes.

    python benchmarks/parallel.py                     writes benchmarks/results/parallel.json and parallel.txt
    python benchmarks/parallel.py --rounds 1 --out /tmp/parallel.json

Three tables. The race: train.py itself with one worker of one thread, with two, and with one worker of two threads, in
turns. The step in parts: the same step on random windows, where every rank waits for all others before each sum, so
that waiting for a slower rank and adding up are measured separately. The sums: all-reduces of 4 bytes to 16 MiB by the
ring and by MPI (left out where there is none), and the latency and bandwidth that fit them. More ranks than processors
take turns on them, and MPI's waiting ranks keep theirs busy: those columns show what that costs, not a cluster's speed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe
from scaling import GRADIENT, fit
from tqdm import tqdm

from minieqt.arguments import guarded
from minieqt.data.synthetic import write_stead
from minieqt.errors import UserError
from minieqt.files import write_text
from minieqt.parallel.communicator import Array, Communicator
from minieqt.parallel.join import join
from minieqt.parallel.launch import launch
from minieqt.threads import available_threads, limit_threads

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "parallel.json"
MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")

BATCH = 64  # windows of all ranks together
ONE, TWO, THREADS = "1 worker, 1 thread", "2 workers, 1 thread each", "1 worker, 2 threads"
RACE = {ONE: (1, 1), TWO: (2, 1), THREADS: (1, 2)}
RANKS = (2, 3, 4, 7)
SIZES = (4, 64, 2**10, 2**14, 2**18, GRADIENT, 2**22, 2**24)  # bytes


# -- the race ----------------------------------------------------------------------------------------------------------


def race(rounds: int, windows: int, folder: Path) -> dict[str, list[float]]:
    """{contender: windows per second of the second epoch of every round}; the first epoch warms up."""
    data = write_stead(folder / "data.hdf5", folder / "data.csv", windows, seed=1) or folder / "data.hdf5"
    speeds = defaultdict(list)
    for _ in tqdm(range(rounds), "the race", leave=False):
        for name, (workers, threads) in RACE.items():
            options = f"--workers {workers} --threads {threads} --epochs 2 --batch-size {BATCH} --overwrite".split()
            command = [sys.executable, ROOT / "train.py", "--data", data, *options, "--out", folder / "run"]
            out = finished([*map(str, command)])
            speeds[name].append(float(re.findall(r"([\d.]+) windows/s", out)[-1]))
    return speeds


def finished(command: list[str]) -> str:
    """What a command has printed; UserError with its error message if it failed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{' '.join(command)} failed: {done.stderr}")
    return done.stdout


# -- what a rank does --------------------------------------------------------------------------------------------------


class Timed(Communicator):
    """A communicator whose ranks meet before each sum: seconds of waiting for the others, and of the sums."""

    def __init__(self, inner: Communicator):
        super().__init__(inner.rank, inner.size)
        self.inner, self.waiting, self.adding = inner, 0.0, 0.0

    def all_reduce(self, array: Array) -> None:
        """Meet, then add up."""
        came = time.perf_counter()
        self.inner.barrier()
        met = time.perf_counter()
        self.inner.all_reduce(array)
        self.waiting += met - came
        self.adding += time.perf_counter() - met

    def broadcast(self, array: Array, root: int = 0) -> None:
        """The inner one's."""
        self.inner.broadcast(array, root)


def steps(ranks: Communicator, count: int) -> list[tuple[float, float, float]]:
    """(seconds, of them waiting, of them adding up) of `count` training steps of BATCH / 2 windows per rank."""
    from minieqt import EQTransformer
    from minieqt.adam import Adam
    from minieqt.training.data_parallel import DataParallel

    model, timed = EQTransformer(), Timed(ranks)
    optimiser, parallel = Adam(model), DataParallel(model, timed)
    rng = np.random.default_rng(ranks.rank)
    x = rng.standard_normal((BATCH // 2, 3, 6000), np.float32)
    labels = rng.random((BATCH // 2, 3, 6000), np.float32)
    found = []
    for _ in range(count + 3):  # the first ones compile and warm up
        timed.waiting = timed.adding = 0.0
        start = time.perf_counter()
        model.zero_gradients()
        parallel.add(x, labels)
        parallel.reduce()
        optimiser.step()
        found.append((time.perf_counter() - start, timed.waiting, timed.adding))
    return found[3:]


def sums(ranks: Communicator) -> dict[int, float]:
    """{bytes: seconds of one all-reduce}: medians of five rounds, each of as many calls as last at least 40 ms."""
    found = {}
    for size in SIZES:
        array, calls, times = np.zeros(size // 4, np.float32), np.ones(1), []
        while len(times) < 5:
            ranks.barrier()
            start = time.perf_counter()
            for _ in range(int(calls[0])):
                ranks.all_reduce(array)
            elapsed = np.array([time.perf_counter() - start])
            ranks.broadcast(elapsed)  # so that all decide alike
            if elapsed[0] < 0.04:
                calls *= 2
            else:
                times.append(elapsed[0] / calls[0])
        found[size] = statistics.median(times)
    return found


def as_rank(task: str, count: int, out: Path) -> int:
    """One rank of a task; rank 0 writes what it has measured."""
    ranks = join()
    limit_threads(1)
    answer = sums(ranks) if task == "sums" else steps(ranks, count)
    if ranks.rank == 0:
        write_text(out, json.dumps(answer))
    return 0


def with_ranks(task: str, ranks: int, folder: Path, count: int = 0, mpi: bool = False) -> Any:
    """What rank 0 of `ranks` has measured, by the ring or by MPI."""
    out = folder / "answer.json"
    command = [sys.executable, __file__, "--task", task, "--count", str(count), "--out", str(out)]
    if mpi:
        finished([str(MPIEXEC), "-n", str(ranks), *command])
    elif launch(command, ranks, "benchmarks/parallel.py"):
        raise UserError(f"{ranks} ranks have failed")
    return json.loads(out.read_text())


def taken_apart(rounds: int, folder: Path) -> dict[int, list[list[float]]]:
    """{ranks: `steps`} of one and of two ranks, in turns."""
    found: dict[int, list] = {1: [], 2: []}
    for _ in tqdm(range(rounds), "steps", leave=False):
        for ranks, all_steps in found.items():
            all_steps += with_ranks("steps", ranks, folder, 10)
    return found


# -- the whole ---------------------------------------------------------------------------------------------------------


def measure(rounds: int, windows: int) -> dict[str, Any]:
    """All three, as they go into parallel.json."""
    engines = {"ring": False} | ({"MPI": True} if MPIEXEC else {})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        return {
            "machine": describe("numpy", "numba", *(["mpi4py", "mpich"] if MPIEXEC else [])),
            "processors": available_threads(),
            "batch": BATCH,
            "rounds": rounds,
            "race": race(rounds, windows, folder),
            "steps": taken_apart(rounds, folder),
            "sums": {
                engine: {ranks: with_ranks("sums", ranks, folder, mpi=mpi) for ranks in RANKS}
                for engine, mpi in engines.items()
            },
        }


def table(result: dict[str, Any]) -> str:
    """The three tables, of what parallel.json holds."""
    speeds = {name: statistics.median(values) for name, values in result["race"].items()}
    lines = [result["machine"], f"rounds: {result['rounds']}", ""]
    lines.append(f"train.py, batches of {result['batch']}: windows/s, median (lowest to highest)")
    lines += [
        f"{name:<28}{speeds[name]:7.1f} ({min(values):.1f} to {max(values):.1f}){speeds[name] / speeds[ONE]:8.2f} ×"
        for name, values in result["race"].items()
    ]
    lines += ["", f"a step of {result['batch'] // 2} windows a rank, taken apart (ms, medians)",
              f"{'ranks':<8}{'step':>8}{'waiting':>9}{'sums':>8}{'share of the sums':>19}"]
    for ranks, found in result["steps"].items():
        step, waiting, adding = (1e3 * statistics.median(values) for values in zip(*found, strict=True))
        lines.append(f"{ranks:<8}{step:8.1f}{waiting:9.2f}{adding:8.2f}{adding / step:19.2%}")
    for engine, columns in result["sums"].items():
        busy = [ranks for ranks in columns if int(ranks) > result["processors"]]
        lines += ["", f"all-reduce by {engine}, ms (of {', '.join(busy)} ranks: on {result['processors']} processors)"]
        lines.append(f"{'bytes':>10}" + "".join(f"{ranks + ' ranks':>12}" for ranks in columns))
        for size in next(iter(columns.values())):
            lines.append(f"{int(size):>10,}" + "".join(f"{1e3 * column[size]:12.3f}" for column in columns.values()))
        link, error = fit(columns["2"], 2)
        lines.append(
            f"2 ranks: α = {1e6 * link.latency:.1f} µs a message, β = {link.bandwidth / 1e9:.2f} GB/s, "
            f"within {error:.0%} of every row"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of the race and of the steps (3)")
    parser.add_argument("--windows", type=int, default=300, help="of the race's synthetic set (300)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="and the same name with .txt")
    parser.add_argument("--task", choices=("steps", "sums"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        return as_rank(options.task, options.count, options.out)
    result = json.loads(json.dumps(measure(options.rounds, options.windows)))  # the same types as when it is read
    text = table(result)
    print(text, end="")
    write_text(options.out, json.dumps(result, indent=1) + "\n")
    write_text(options.out.with_suffix(".txt"), text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/parallel.py", main))

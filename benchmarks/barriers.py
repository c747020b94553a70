"""Whether the tests would notice a missing barrier: every one in the CUDA kernels is removed in turn.

    python benchmarks/barriers.py                    all of them; writes benchmarks/results/barriers.txt
    python benchmarks/barriers.py attention.cu       those of some files

Without a barrier the cases of tests/test_twins.py run again on the host build, watched for races
(kernels/cuda/watchers/races.cpp). A barrier whose absence is not noticed is either not needed or not tested.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from kernel_files import kernel_files
from machine import describe
from tqdm import tqdm

from kernels.cuda import on_host
from kernels.cuda.sources import FOLDER
from minieqt.arguments import guarded
from minieqt.errors import UserError
from minieqt.files import write_text

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "barriers.txt"
BARRIER = re.compile(r"__sync(threads|warp)\(\);")
INCLUDE = re.compile(r'#include "(\w+\.cuh)"')
RACE = re.compile(r"a race in .*")

# Run in a process whose kernels are the copy without the barrier: operations, products of TF32.
PROGRAM = """
import sys
import numpy as np
from kernels.cuda import launch, on_host
from test_twins import CASES, functions_of, results, with_dtype

launch.use_products(int(sys.argv[2]))
noise = np.random.default_rng(1).standard_normal(997).astype(np.float32)
with on_host.watched("races"):
    for stem in sys.argv[1].split(","):
        for args in CASES[stem](np.random.default_rng(20201203)):
            results(functions_of(stem, "host"), with_dtype(args, np.float32), noise)
"""


class Barrier(NamedTuple):
    """One call of __syncthreads or __syncwarp: its file, and its place there."""

    file: str
    begin: int
    end: int
    line: int


def barriers(path: Path) -> list[Barrier]:
    """All barriers of a file, in order."""
    text = path.read_text(encoding="utf-8")
    return [Barrier(path.name, *m.span(), text.count("\n", 0, m.start()) + 1) for m in BARRIER.finditer(text)]


def included(path: Path) -> set[str]:
    """The headers that a file includes, itself or by another."""
    names = set(INCLUDE.findall(path.read_text(encoding="utf-8")))
    return names.union(*(included(FOLDER / name) for name in names))


def operations() -> dict[str, set[str]]:
    """{operation: the files whose code its cases run}, found by running them once."""
    from test_twins import CASES, functions_of, results, with_dtype

    noise, found = np.ones(1, np.float32), {}
    stems = [stem for stem in CASES if any(functions_of(stem, "host"))]
    for stem in tqdm(stems, "operations", leave=False, disable=None):
        launched: set[str] = set()
        with on_host.watched("races", lambda source, *_: launched.add(source)):  # noqa: B023
            for args in CASES[stem](np.random.default_rng(1)):
                results(functions_of(stem, "host"), with_dtype(args, np.float32), noise)
        found[stem] = launched.union(*(included(FOLDER / source) for source in launched))
    return found


def without(barrier: Barrier, stems: list[str]) -> str:
    """What goes wrong in some operations without a barrier: the race, in the watcher's words, or "nothing"."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "kernels", Path(folder) / "kernels", ignore=shutil.ignore_patterns("host-*"))
        (Path(folder) / "minieqt").symlink_to(ROOT / "minieqt")  # which uses the kernels beside it
        path = Path(folder) / "kernels" / "cuda" / barrier.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text[: barrier.begin] + ";" + text[barrier.end :], encoding="utf-8")
        paths = os.pathsep.join([folder, str(ROOT), str(ROOT / "tests")])
        tensor = "3" if barrier.file.startswith("tensor") else "0"
        command = [sys.executable, "-c", PROGRAM, ",".join(stems), tensor]
        done = subprocess.run(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True
        )
    race = RACE.search(done.stderr)
    if done.returncode and not race:
        raise UserError(f"{barrier.file}:{barrier.line}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return race[0] if race else "nothing"


def main() -> int:
    """Remove the barriers one by one, print what notices each, and write the results file if it is all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="names of .cu and .cuh files in kernels/cuda (all)")
    options = parser.parse_args()
    paths = kernel_files(options.files, "*.cu*")
    if not on_host.available():
        raise UserError(f"the kernels are compiled for the host by {on_host.COMPILER}, and there is none")
    sys.path.insert(0, str(ROOT / "tests"))
    found, files_of = [barrier for path in paths for barrier in barriers(path)], operations()
    stems = [[stem for stem, files in files_of.items() if barrier.file in files] for barrier in found]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        races = list(tqdm(pool.map(without, found, stems), "barriers", len(found), leave=False, disable=None))
    lines = [f"{f'{b.file}:{b.line}':28}{race}" for b, race in zip(found, races, strict=True)]
    missed = sum(race != "nothing" for race in races)
    text = "\n".join([describe(), "", *lines, "", f"{missed} of {len(found)} barriers are missed"]) + "\n"
    print(text, end="")
    if not options.files:
        write_text(RESULTS, text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/barriers.py", main))

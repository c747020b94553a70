"""Kill a training run at a random moment, resume it, and compare it with an undisturbed one. Twenty times.

    python benchmarks/kill_resume.py                      a minute or two; prints where each kill fell
    python benchmarks/kill_resume.py --kills 100 --seed 7
    python benchmarks/kill_resume.py --workers 2          kills one of the workers, or their launcher

Every run is train.py as its own process, killed by SIGKILL, which no process can catch. last.h5 is written after every
batch, so that many kills come while a file is being written. Exit code 1 if a single array or byte differs.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from minieqt.data.synthetic import write_stead
from minieqt.weights import native

TRAIN = Path(__file__).resolve().parents[1] / "train.py"
OPTIONS = "--epochs 3 --batch-size 16 --split trace --threads 1 --save-minutes 1e-6".split()
COMPARED = ("best.h5", "last.h5", "history.csv", "metrics.json", "training.txt", "validation.txt", "test.txt")


def start(*arguments: str | Path) -> subprocess.Popen:
    """train.py with these arguments, silent."""
    command = [sys.executable, str(TRAIN), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> None:
    """Wait for it; SystemExit with its message if it failed."""
    _, message = process.communicate()
    if process.returncode:
        sys.exit(f"train.py failed with exit code {process.returncode}: {message}")


def kill_one(process: subprocess.Popen, rng: np.random.Generator) -> None:
    """Kill the program or one of the workers it has started, and wait for the end of all."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers = [int(pid) for pid in children.read_text().split()] if children.is_file() else []
    with suppress(ProcessLookupError):
        os.kill(rng.choice([process.pid, *workers]), signal.SIGKILL)
    process.communicate()


def where(folder: Path) -> str:
    """How far a killed run had come, in words."""
    if not (folder / "config.json").exists():
        return "before the run began"
    if not (folder / "last.h5").exists():
        return "before the first checkpoint"
    position = native.read(folder / "last.h5").extra
    place = f"last.h5 of epoch {position['training/epoch'] + 1}, batch {position['training/batch']}"
    return place + (", a file half-written" if list(folder.glob(".*.partial")) else "")


def differences(one: Path, other: Path) -> list[str]:
    """The names of the files and arrays of two runs that are not equal, to the bit."""
    found = []
    for name in COMPARED:
        if name.endswith(".h5"):
            a, b = ((c.arrays | c.extra) for c in (native.read(one / name), native.read(other / name)))
            found += [f"{name}: {key}" for key in a.keys() | b.keys() if key not in a or key not in b]
            found += [f"{name}: {key}" for key in a.keys() & b.keys() if a[key].tobytes() != b[key].tobytes()]
        elif (one / name).read_bytes() != (other / name).read_bytes():
            found.append(name)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="how many (20)")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments (0)")
    parser.add_argument("--workers", type=int, default=1, help="of the run (1)")
    options = parser.parse_args()
    workers = ("--workers", str(options.workers))
    rng = np.random.default_rng(options.seed)
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        write_stead(home / "data.hdf5", home / "data.csv", 28, seed=1)
        data = ("--data", home / "data.hdf5", "--csv", home / "data.csv")
        for name in ("first", "undisturbed"):  # the first may have to compile kernels
            began = time.monotonic()
            finish(start(*data, *OPTIONS, *workers, "--out", home / name))
            duration = time.monotonic() - began
        print(f"undisturbed: {duration:.1f} s")
        if differences(home / "first", home / "undisturbed"):
            sys.exit("two undisturbed runs differ: nothing can be said about resumed ones")
        for number in range(1, options.kills + 1):
            folder, delay = home / f"run{number}", rng.uniform(0, duration)
            process = start(*data, *OPTIONS, *workers, "--out", folder)
            time.sleep(delay)
            finished = process.poll() is not None
            kill_one(process, rng)
            place = "it had just finished" if finished else where(folder)
            again = (*data, *OPTIONS) if place == "before the run began" else ("--resume",)
            finish(start(*again, *workers, "--out", folder))
            wrong = differences(folder, home / "undisturbed")
            failures += bool(wrong)
            verdict = "differs: " + ", ".join(wrong[:3]) if wrong else "resumed to the same bits"
            print(f"kill {number:3} after {delay:5.2f} s, {place}: {verdict}", flush=True)
    print(f"{options.kills - failures} of {options.kills} killed runs were completed to the same bits")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

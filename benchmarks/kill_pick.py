"""Kill `pick` at random moments, again and again, and go on: the results are those of an undisturbed run.

    python benchmarks/kill_pick.py                     some minutes; ten kills each of one, two and four workers
    python benchmarks/kill_pick.py --kills 30 --seed 7

Every run is a process of its own, killed by SIGKILL, which no process can catch; half of the time one of its workers
goes first. Exit code 1 if a byte of a table or of a station-day's file differs.
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
from obspy import Stream, Trace, UTCDateTime

from minieqt.model import EQTransformer
from minieqt.processes import module_command, same_path
from minieqt.records.header_index import NAME
from minieqt.weights import save_weights

STATIONS, DAYS, SECONDS = 5, 8, 600
FIRST = UTCDateTime("2022-02-06")


def make(folder: Path) -> None:
    """An SDS archive of noise, ten minutes a day, and an untrained network."""
    rng = np.random.default_rng(0)
    for station in range(STATIONS):
        for day in range(DAYS):
            start = FIRST + 86400 * day + 43200
            for channel in ("HHE", "HHN", "HHZ"):
                header = {"network": "XX", "station": f"S{station}", "channel": channel, "sampling_rate": 100.0}
                data = (1000 * rng.standard_normal(100 * SECONDS)).astype(np.int32)
                name = f"XX.S{station}..{channel}.D.{start.year}.{start.julday:03d}"
                path = folder / f"sds/{start.year}/XX/S{station}/{channel}.D/{name}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Stream([Trace(data, header | {"starttime": start})]).write(str(path), format="MSEED")
    save_weights(folder / "w.h5", EQTransformer(lstm_blocks=1, length=256))


def start(folder: Path, out: Path, workers: int) -> subprocess.Popen:
    """The command, silent."""
    options = ["--weights", folder / "w.h5", "--out", out, "--workers", workers, "--threads", 1, "--picks", "all"]
    command = module_command("minieqt", "pick", *map(str, [folder / "sds", *options]))
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=same_path())


def finish(process: subprocess.Popen) -> None:
    """Wait for it; SystemExit with its message if it failed."""
    _, message = process.communicate()
    if process.returncode:
        sys.exit(f"pick failed with exit code {process.returncode}: {message}")


def parts(out: Path) -> int:
    """How many station-days are done."""
    return len(list(out.glob("station_days/*.json")))


def undisturbed(folder: Path, out: Path, workers: int) -> tuple[float, float]:
    """Seconds to the first station-day, and for each of the others."""
    began = time.monotonic()
    process = start(folder, out, workers)
    while not parts(out) and process.poll() is None:
        time.sleep(0.05)
    first = time.monotonic() - began
    finish(process)
    return first, (time.monotonic() - began - first) / (STATIONS * DAYS - 1)


def kill(process: subprocess.Popen, rng: np.random.Generator) -> str:
    """Kill it, perhaps one of its workers first; returns which were killed."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    pids = map(int, children.read_text().split()) if children.is_file() else ()
    workers = [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    who = "the command"
    if workers and rng.random() < 0.5:
        who = "a worker, then the command"
        with suppress(ProcessLookupError):
            os.kill(rng.choice(workers), signal.SIGKILL)
        time.sleep(rng.uniform(0, 1))
    process.kill()
    process.communicate()
    return who


def contents(out: Path) -> dict[str, bytes]:
    """All results, by name."""
    hidden = (path for path in out.rglob("*") if path.is_file() and path.name != NAME)
    return {str(path.relative_to(out)): path.read_bytes() for path in hidden if not path.name.endswith(".partial")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10, help="of each number of workers (10)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], help="(1 2 4)")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments (0)")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        finish(start(folder, folder / "whole", 1))
        whole = contents(folder / "whole")
        for workers in options.workers:
            first, each = undisturbed(folder, folder / f"undisturbed{workers}", workers)
            print(f"{workers} workers: {STATIONS * DAYS} station-days, {first:.1f} s to the first, {each:.2f} s each")
            out = folder / f"killed{workers}"
            for number in range(1, options.kills + 1):
                process = start(folder, out, workers)
                delay = first * rng.uniform(0.9, 1.2) + each * rng.uniform(0, 4)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(delay)
                who = "nobody, it was done" if process.poll() is not None else kill(process, rng)
                line = f"{workers} workers, kill {number}, after {delay:.1f} s"
                print(f"{line}: {who}; {parts(out)} are done", flush=True)
            finish(start(folder, out, workers))
            found = contents(out)
            wrong = sorted(key for key in whole.keys() | found.keys() if whole.get(key) != found.get(key))
            failures += bool(wrong)
            print(f"{workers} workers: " + ("differs: " + ", ".join(wrong[:3]) if wrong else "the same bytes"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""Two workers beside one: 60 station-days picked by one process of one thread, and by two.

    python benchmarks/workers.py RECORD.mseed WEIGHTS      a quarter of an hour; writes benchmarks/results/workers.txt

RECORD, three components of one station, is repeated until it fills the days of an SDS archive, as in month.py. It is
picked by one worker and by two, one thread each; their tables must be the same. Then two commands of one thread each,
started together, pick half of the days each: two workers cannot be faster than that on this machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from machine import describe, publish
from month import FIRST, make, measure, same_tables

RESULTS = Path(__file__).parent / "results" / "workers.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make(options.record, options.days, folder)
        measure(made["one day"], options.weights, folder / "compiled")

        def timed(out: str, *further: str) -> float:
            return measure(made["SDS archive"], options.weights, folder / out, *further)[0]

        one = timed("one", "--threads", "1")
        two = timed("two", "--threads", "2", "--workers", "2")
        same = same_tables([folder / "one", folder / "two"])
        middle = (FIRST + timedelta(options.days / 2)).isoformat()
        halves = {"first half": ("--end", middle), "second half": ("--start", middle)}
        began = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda half: timed(half, "--threads", "1", *halves[half]), halves))
        apart = time.perf_counter() - began
    lines = [
        describe("minieqt", "numba", "obspy"),
        f"{options.days} days of {options.record.name} (repeated), three components, {options.weights.name}, "
        "overlap 0.5, python -m minieqt pick, a thread a process",
        "",
        f"one worker                                  {one:7.1f} s",
        f"two workers                                 {two:7.1f} s  {one / two:.2f} times as fast",
        f"two commands with half of the days each     {apart:7.1f} s  {one / apart:.2f} times",
        "",
        f"the tables of one worker and of two are {'the same' if same else 'NOT the same'} to the byte",
    ]
    publish(lines, options.out)


if __name__ == "__main__":
    main()

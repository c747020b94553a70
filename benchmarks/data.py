"""Windows per second from disk to batch: the published access pattern against minieqt's, in one run.

  python benchmarks/data.py                      3,000 synthetic windows, warm in the page cache
  python benchmarks/data.py --windows 100000     7 GB, of 2,000 different windows
  python benchmarks/data.py --training           and how long training on the processor waits for its data
  python benchmarks/data.py --table 1300000      and the table of a CSV as long as STEAD's: seconds, memory

The published generator opens the file for every batch, reads each trace and four of its attributes through h5py, and
augments one window at a time in NumPy; so does `published` here, with this package's own readable functions.
Prints a table and writes it to benchmarks/results/data.txt.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import h5py
import machine
import numpy as np

from minieqt.backend import using
from minieqt.data import Augmentation, Loader, open_dataset
from minieqt.data.in_memory import InMemory
from minieqt.data.index import make_index
from minieqt.data.make_windows import Making, Wanted, make_windows
from minieqt.data.stead_csv import COLUMNS
from minieqt.data.synthetic import write_stead
from minieqt.tables.missing import number, three_numbers
from minieqt.threads import available_threads

RESULTS = Path(__file__).parent / "results" / "data.txt"
BATCH = 200
DISTINCT = 2000  # different windows, however many are written


def published(hdf5, dataset, rows, augment):
    """Batches as the published generator makes them: yields how many windows each holds."""
    group = "data"
    x, labels = np.empty((2, 2, 3, 6000), np.float32)
    for start in range(0, len(rows), BATCH // 2):
        with h5py.File(hdf5, "r") as file:
            for row in rows[start : start + BATCH // 2].tolist():
                trace = file[f"{group}/{dataset.table.name[row]}"]
                raw = np.ascontiguousarray(np.array(trace).T)
                number(str(trace.attrs["p_arrival_sample"]))
                number(str(trace.attrs["s_arrival_sample"]))
                number(str(trace.attrs["coda_end_sample"]))
                three_numbers(str(trace.attrs["snr_db"]))
                if augment:
                    with using("readable"):
                        twice = Wanted(np.array([row, row]), np.array([0, 1]), np.array([0, 0]))
                        make_windows(raw[None], dataset.table, twice, Making(Augmentation()), x, labels)
        yield BATCH if augment else BATCH // 2


def mapped(dataset, rows):
    """Traces as minieqt reads them, batch by batch."""
    out = np.empty((BATCH // 2, 3, 6000), np.float32)
    for start in range(0, len(rows), BATCH // 2):
        part = rows[start : start + BATCH // 2]
        dataset.read_into(part, out[: len(part)])
        yield len(part)


def loaded(dataset, rows, threads):
    loader = Loader(dataset, rows, BATCH, augmentation=Augmentation(), threads=threads)
    for epoch in range(1000):
        for batch in loader.epoch(epoch):
            yield len(batch.rows)


def rate(batches, seconds=3.0):
    """Windows per second, over `seconds` seconds or to the end."""
    windows, start = 0, time.perf_counter()
    for count in batches:
        windows += count
        if time.perf_counter() - start > seconds:
            break
    return windows / (time.perf_counter() - start)


def waiting(dataset, rows):
    """The share of its time that training on the processor waits for batches, and its windows per second."""
    from minieqt.adam import Adam
    from minieqt.model import EQTransformer

    steps = 20
    model = EQTransformer()
    optimiser = Adam(model)
    model.train()
    waited = 0.0
    batches = Loader(dataset, rows, 32, augmentation=Augmentation()).epoch(0)
    for step in range(steps + 2):
        if step == 2:  # by now everything is compiled
            begin, waited = time.perf_counter(), 0.0
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        model.zero_gradients()
        model.loss(batch.x, batch.labels)
        model.backward(need_dx=False)
        optimiser.step()
    total = time.perf_counter() - begin
    batches.close()
    return waited / total, 32 * steps / total


def disk_speed(path, size):
    """Bytes per second of `size` random bytes, written in pieces of a mebibyte and forced to the disk."""
    piece = np.random.default_rng(0).bytes(1 << 20)
    start = time.perf_counter()
    try:
        with open(path, "wb", buffering=0) as file:
            for _ in range(size >> 20):
                file.write(piece)
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)
    return size / (time.perf_counter() - start)


TABLE = """
import sys, time
sys.path.insert(0, {root!r})
from minieqt.data.stead_csv import read_csv
from pathlib import Path

def memory(which):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024 / 1e6

before, start = memory("VmRSS"), time.perf_counter()
table, *_ = read_csv(Path({path!r}))
print(time.perf_counter() - start, memory("VmRSS") - before, memory("VmHWM") - before)
"""


def table_at_scale(folder, rows):
    """A CSV of `rows` rows like STEAD's first, read in a process of its own: seconds, MB kept, MB at most."""
    import subprocess
    import tempfile

    row = dict.fromkeys(COLUMNS, "None") | {"network_code": "TA", "receiver_code": "109C", "p_arrival_sample": "700.0"}
    row |= {"s_arrival_sample": "1894.0", "coda_end_sample": "[[2896.]]", "snr_db": "[56.79999924 55.40000153 47.4]"}
    row |= {"source_magnitude": "3.6", "source_distance_km": "102.09", "trace_category": "earthquake_local"}
    row |= {"trace_start_time": "2006-07-23 15:58:50.000000"}
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".csv") as file:
        file.write(",".join(COLUMNS) + "\n")
        for i in range(rows):
            row |= {"trace_name": f"109C.TA_{20060723000000 + i}_EV", "source_id": str(8000000 + i)}
            file.write(",".join(row.values()) + "\n")
        file.flush()
        code = TABLE.format(root=str(Path(__file__).resolve().parents[1]), path=file.name)
        found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return tuple(map(float, found.split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=available_threads())
    parser.add_argument("--folder", type=Path, default=Path("data"))
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--table", type=int, default=0, metavar="ROWS")
    options = parser.parse_args()
    hdf5, csv = (options.folder / f"benchmark-{options.windows}.{suffix}" for suffix in ("hdf5", "csv"))
    options.folder.mkdir(parents=True, exist_ok=True)
    distinct = min(DISTINCT, options.windows)
    what = f"{options.windows:,} synthetic windows ({distinct:,} different), batches of {BATCH}"
    lines = [machine.describe("numpy", "numba", "h5py"), what, ""]

    def say(name, value, unit):
        lines.append(f"{name:<58}{value:>12,} {unit}")

    if not (hdf5.exists() and csv.exists()):
        start = time.perf_counter()
        write_stead(hdf5, csv, options.windows, seed=1, progress=True, distinct=distinct)
        seconds, size = time.perf_counter() - start, hdf5.stat().st_size
        say("made and written", round(options.windows / seconds), "windows/s")
        say("the same", round(size / seconds / 1e6), "MB/s")
        say("the disk beside it", round(disk_speed(options.folder / "disk", size) / 1e6), "MB/s")
    start = time.perf_counter()
    index = make_index(hdf5, csv)
    say("index made", round(1e6 * (time.perf_counter() - start) / len(index.table), 1), "µs a trace")
    del index
    dataset = open_dataset(hdf5, csv)
    rows = np.random.default_rng(0).permutation(len(dataset))
    rate(mapped(dataset, rows), 1)  # compile, and warm the page cache
    rate(loaded(dataset, rows, 1), 1)
    kept = InMemory(dataset)
    rate(mapped(kept, rows), 60)
    cases = {
        "read, published pattern": lambda: published(hdf5, dataset, rows, False),
        "read, minieqt": lambda: mapped(dataset, rows),
        "read + augment + label, published pattern": lambda: published(hdf5, dataset, rows, True),
        "read + augment + label, minieqt, 1 thread": lambda: loaded(dataset, rows, 1),
        f"read + augment + label, minieqt, {options.threads} threads": lambda: loaded(dataset, rows, options.threads),
        "the same from float16 in memory": lambda: loaded(kept, rows, options.threads),
    }
    rates = {name: [] for name in cases}
    for _ in range(3):  # in turns, so that other load of the machine affects all alike
        for name, batches in cases.items():
            rates[name].append(rate(batches()))
    lines.append("")
    for name, values in rates.items():
        say(name, round(max(values)), "windows/s")
    a, b, c, _, e, _ = (max(values) for values in rates.values())
    say("reading", round(b / a, 1), "times as fast")
    say("reading + augmenting + labelling", round(e / c, 1), "times as fast")
    if options.training:
        share, speed = waiting(dataset, rows)
        lines.append("")
        say("training on the processor, batches of 32", round(speed), "windows/s")
        say("it waits for data", round(100 * share, 2), "% of its time")
    if options.table:
        seconds, kept, peak = table_at_scale(options.folder, options.table)
        lines.append("")
        say(f"a table of {options.table:,} rows", round(seconds), "s to read")
        say("it takes", round(kept), "MB")
        say("while it is read, at most", round(peak), "MB")
    machine.publish(lines, RESULTS)


if __name__ == "__main__":
    main()

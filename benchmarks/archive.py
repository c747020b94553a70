"""How long it takes until the first station-day of a large archive is picked, and what all its headers take.

    python benchmarks/archive.py                     200,000 files: some minutes; writes benchmarks/results/archive.txt
    python benchmarks/archive.py --files 1000000 --out /dev/stdout

An SDS archive is made of files with one record each. Nothing is picked: a pool that takes the station-days notes when
the first one comes and when the last one does, in a process of its own each time. `looked at first` is what other
programs of minieqt do, and `pick` did: all headers before anything else. `again` has the index of headers beside OUT.
Seconds are a processor's, as the files are in the system's memory already; those of real archives are
longer, and take longer to read.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe, peak_mib
from obspy import Stream, Trace, UTCDateTime

from minieqt.model import EQTransformer
from minieqt.picking.probabilities import Settings
from minieqt.picking.run import Job, pick_archive
from minieqt.records.archive import open_archive
from minieqt.records.header_index import NAME, HeaderIndex
from minieqt.records.selection import Selection

RESULTS = Path(__file__).parent / "results" / "archive.txt"
FIRST = UTCDateTime("2015-01-01")
STATIONS = 100
CHANNELS = ("HHE", "HHN", "HHZ")


def make(folder: Path, count: int) -> None:
    """Files of STATIONS stations, three a station-day, until there are enough."""
    header = {"network": "XX", "station": "AAAAA", "channel": "HHZ", "sampling_rate": 100.0, "starttime": FIRST}
    held = io.BytesIO()
    Stream([Trace(np.arange(100, dtype=np.int32), header)]).write(held, format="MSEED", reclen=512)
    record = bytearray(held.getvalue())
    for number in range(count):
        day, rest = divmod(number, STATIONS * len(CHANNELS))
        station, channel = f"S{rest // len(CHANNELS):04d}", CHANNELS[rest % len(CHANNELS)]
        date = FIRST + 86400 * day
        path = folder / f"{date.year}/XX/{station}/{channel}.D/XX.{station}..{channel}.D.{date.year}.{date.julday:03d}"
        record[8:13], record[15:18] = station.encode(), channel.encode()
        record[20:24] = date.year.to_bytes(2, "big") + date.julday.to_bytes(2, "big")
        if day == 0 or date.julday == 1:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record)


class Enough(Exception):
    """All station-days have come."""


def measure(archive: Path, out: Path, index: bool, answer: Any) -> None:
    """In a process of its own: seconds of a processor to the first station-day and to the last, how many, memory."""
    model, before = EQTransformer(lstm_blocks=1, length=256), peak_mib()
    times: list[float] = []
    count = 0

    def pool(work: Any, items: Iterable[Any], progress: Any) -> Iterator[Any]:
        nonlocal count
        for _ in items:
            count += 1
            if count == 1:
                times.append(time.process_time())
        times.append(time.process_time())
        raise Enough
        yield

    began = time.process_time()
    try:
        headers = HeaderIndex(out / NAME) if index else None
        pick_archive(open_archive([archive], Selection(), index=headers), Job(model, Settings(), out), pool=pool)
    except Enough:
        answer.send((times[0] - began, times[1] - began, count, peak_mib() - before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = [
        describe("minieqt", "obspy"),
        f"{options.files:,} files of one record, {STATIONS} stations, nothing picked",
        "",
        f"{'':<20}{'first station-day (s)':>23}{'last (s)':>10}{'station-days':>14}{'memory (MiB)':>14}",
    ]
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "sds", options.files)
        for what, index in (("looked at first", False), ("by names", True), ("again", True)):
            ours, theirs = context.Pipe()
            process = context.Process(target=measure, args=(folder / "sds", folder / "out", index, theirs))
            process.start()
            theirs.close()
            first, last, count, memory = ours.recv()
            process.join()
            lines.append(f"{what:<20}{first:>23.1f}{last:>10.1f}{count:>14,}{memory:>14.0f}")
        lines += ["", f"index: {(folder / 'out' / NAME).stat().st_size / 2**20:.0f} MiB"]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

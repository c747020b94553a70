"""How long the tables of a large run take to write, and how much memory: all of them, from the station-days' files.

    python benchmarks/tables.py                       50,000 detections; appends to benchmarks/results/tables.txt
    python benchmarks/tables.py --detections 1000000 --days 30
    python benchmarks/tables.py --obspy 2000          and how long ObsPy takes for QuakeML alone, with fewer

Synthetic detections with P and S are stored as a run of `pick` stores them, by a process of their own; then they are
read and every table is written. Memory is what this process grows by at its peak. ObsPy checks QuakeML against its
schema, for 50,000 detections at most.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe, peak_mib
from obspy import UTCDateTime
from obspy.core.event import Catalog, Comment, CreationInfo, Event, Pick, QuantityError, WaveformStreamID
from obspy.io.quakeml.core import _validate

from minieqt.picking.day_file import DayFile, by_day, write_day_file
from minieqt.picking.events import Event as Detection
from minieqt.picking.events import Pick as Arrival
from minieqt.picking.results import write_tables
from minieqt.picking.run import Report, days_of
from minieqt.records.channel import Instrument
from minieqt.records.stations import Coordinates

RESULTS = Path(__file__).parent / "results" / "tables.txt"
START = UTCDateTime("2022-02-06")
STATIONS = 10
VALIDATED = 50_000  # detections; the schema's check holds the whole file in memory


def detections(at: Instrument, day: UTCDateTime, count: int, rng: np.random.Generator) -> list[Detection]:
    """Of one station and day, each with P and S."""
    made = []
    for second in np.sort(rng.uniform(0, 86400, count)):
        start = day + float(second)
        p = Arrival(at, "HHZ", "P", start - 0.05, float(rng.uniform(0.1, 1)), None, 0.08, float(rng.normal(10, 5)))
        s = Arrival(at, "HHN", "S", start + 4.2, float(rng.uniform(0.1, 1)), None, 0.12, float(rng.normal(10, 5)))
        made.append(Detection(at, start, start + 9, float(rng.uniform(0.3, 1)), None, p, s))
    return made


def make(folder: Path, count: int, days: int) -> None:
    """The files of STATIONS stations and some days, with `count` detections in all."""
    rng = np.random.default_rng(0)
    each = -(-count // (STATIONS * days))
    for number in range(STATIONS * days):
        day, station = divmod(number, STATIONS)
        at, begin = Instrument("XX", f"S{station:02d}", "", "HH"), START + 86400 * day
        mine = min(each, count - number * each)
        result = DayFile(detections(at, begin, max(mine, 0), rng))
        write_day_file(folder / f"XX.{at.station}.{begin.strftime('%Y-%m-%d')}.json", {"made": "benchmark"}, result)


def by_obspy(found: list[Detection], path: Path) -> None:
    """The same events through ObsPy's classes."""
    events = []
    for event in found:
        picks = [
            Pick(
                time=pick.time,
                time_errors=QuantityError(uncertainty=pick.time_uncertainty),
                waveform_id=WaveformStreamID("XX", "S00", "", pick.channel),
                phase_hint=pick.phase,
                evaluation_mode="automatic",
                evaluation_status="preliminary",
                comments=[Comment(text=f"probability {pick.probability:.4f}")],
            )
            for pick in event.picks()
        ]
        about = [Comment(text="candidate")]
        events.append(Event(event_type="earthquake", picks=picks, comments=about, creation_info=CreationInfo()))
    Catalog(events).write(str(path), format="QUAKEML")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detections", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--obspy", type=int, metavar="N", help="time ObsPy's QuakeML of N detections")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = [describe("minieqt", "obspy")]
    with tempfile.TemporaryDirectory() as name:
        out, folder = Path(name), Path(name) / "station_days"
        folder.mkdir()
        arguments = folder, options.detections, options.days
        maker = multiprocessing.get_context("spawn").Process(target=make, args=arguments)
        maker.start()
        maker.join()
        report, before, begin, work = Report(), peak_mib(), time.perf_counter(), time.process_time()
        write_tables(days_of(by_day(folder), "benchmark", report), out, Coordinates())
        seconds, work, grown = time.perf_counter() - begin, time.process_time() - work, peak_mib() - before
        sizes = {path.name: path.stat().st_size / 2**20 for path in sorted(out.glob("*.*"))}
        lines.append(
            f"{report.found['events']:,} detections with P and S, {STATIONS} stations, {options.days} days: "
            f"{seconds:.1f} s for all tables ({work:.1f} s of the processor), {grown:.0f} MiB more at the peak"
        )
        lines.append("  " + ", ".join(f"{name} {size:.1f} MiB" for name, size in sizes.items()))
        if options.detections <= VALIDATED:
            lines.append(f"  picks.xml fits QuakeML's schema: {_validate(str(out / 'picks.xml'))}")
        if options.obspy:
            some = detections(Instrument("XX", "S00", "", "HH"), START, options.obspy, np.random.default_rng(0))
            begin = time.process_time()
            by_obspy(some, out / "obspy.xml")
            work = time.process_time() - begin
            lines.append(f"  ObsPy: {work:.1f} s of the processor for QuakeML alone of {options.obspy:,} detections")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    with options.out.open("a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()

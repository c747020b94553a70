"""Picking an archive: station by station and day by day, each finished one kept, all tables at the end.

    OUT/station_days/NET.STA.2022-02-06.json     what was found; a rerun of the same takes it as it is
    OUT/probabilities/NET.STA.LOC.HH.2022-02-06.mseed   if asked for
    OUT/plots/NET.STA.LOC.HH.2022-02-06T023129.png      if asked for
    OUT/picks.csv  X_prediction_results.csv  picks.xml  association.csv  association_gamma.csv  left_out.csv
    OUT/picks.parquet/date=2022-02-06/picks.parquet     if asked for, or there already

The tables hold all station-days of OUT that were made in the same way, by this run or another.
Every file is written under another name and then renamed: one that is there is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from obspy import Stream, UTCDateTime

from minieqt.backend import to_numpy
from minieqt.errors import UserError
from minieqt.files import atomic_write, locked
from minieqt.model import EQTransformer
from minieqt.picking.day_file import DayFile, all_day_files, read_day_file, write_day_file
from minieqt.picking.events import Event
from minieqt.picking.pick import CONTEXT, StationDay, station_day
from minieqt.picking.pool import Pool, serial
from minieqt.picking.probabilities import Settings
from minieqt.picking.results import Events, write_tables
from minieqt.records.archive import Archive
from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut
from minieqt.records.selection import Station
from minieqt.records.span import DAY, SECOND
from minieqt.records.stations import Coordinates

VERSION = 5  # of what a station-day's file holds and of how it was found
PLOT_BEFORE = 10.0  # s of a figure before the event


@dataclass
class Job:
    """What to do with every station-day."""

    model: EQTransformer
    settings: Settings
    out: Path
    probabilities: bool = False
    plots: int = 0  # figures a station-day, those of the highest detection probability
    coordinates: Coordinates = field(default_factory=Coordinates)
    parquet: bool = False  # picks.csv once more, as Parquet

    def fingerprint(self) -> str:
        """Of everything but the data that decides what is found."""
        digest = hashlib.sha256(to_numpy(self.model.vector).tobytes())
        for array in self.model.state().values():
            digest.update(to_numpy(array).tobytes())
        told = [VERSION, self.model.config, asdict(self.settings), self.probabilities, self.plots]
        digest.update(json.dumps(told, sort_keys=True).encode())
        return digest.hexdigest()


@dataclass
class Report:
    """How a run went."""

    found: Counter[str] = field(default_factory=Counter)  # events, P and S, so far; in the end those of the tables
    done: int = 0  # station-days
    resumed: int = 0  # station-days that were there already
    earlier: int = 0  # station-days of other selections, made in the same way, that the tables hold as well
    foreign: int = 0  # station-days in OUT that were made in another way: not in the tables
    left_out: LeftOut = field(default_factory=LeftOut)


@dataclass(frozen=True)
class Task:
    """One station-day to pick: its first nanosecond, the part of the archive that it needs, and the path of its result.

    known: what the result says of itself: weights and options, the times selected, the files read.
    """

    day: int
    station: Station
    archive: Archive
    known: dict[str, Any]
    path: Path

    def __str__(self) -> str:
        """NET.STA.2022-02-06."""
        return day_name(self.station, self.day)


def pick_archive(
    archive: Archive,
    job: Job,
    begin: Callable[[str], object] = lambda title: None,
    progress: Callable[[int], object] = lambda windows: None,
    finish: Callable[[Report], object] = lambda report: None,
    pool: Pool = serial,
) -> Report:
    """Pick everything and write the tables. `begin` gets a station-day's name, `finish` the sums.

    The pool picks; only this process writes the tables. WorkerLost if the pool loses too many of its workers.
    """
    made = job.fingerprint()
    folder = job.out / "station_days"
    folder.mkdir(parents=True, exist_ok=True)
    report = Report()
    days = archive.days()
    there = set(os.listdir(folder))
    for day, station in days:  # before anything is picked
        if file_name(station, day) in there and archive.look_around(station, day):
            refuse_to_replace(task_of(archive, made, folder, station, day), archive)
    given: dict[tuple[Station, int], int] = {}  # {station-day: from how many entries}

    def tasks(days: list[tuple[int, Station]]) -> Iterator[Task]:
        for day, station in days:
            if archive.look_around(station, day):
                task = task_of(archive, made, folder, station, day)
                entries = len(task.archive.entries[station])
                if given.get((station, day)) != entries:
                    report.done -= (station, day) in given  # it is done again
                    given[station, day] = entries
                    begin(str(task))
                    yield task

    def work_off(todo: Iterable[Task]) -> None:
        for was_there, found in pool(partial(pick_task, job), todo, progress):
            report.resumed += was_there
            report.done += not was_there
            report.found += found
            finish(report)

    try:
        work_off(tasks(days))
        late = list(tasks(archive.days()))  # days that only headers revealed, not names of files
        if late:
            work_off(late)
    finally:
        if archive.index is not None:
            archive.index.write()
    with locked(folder):  # another run may write the tables of this OUT too: the last one has all station-days
        report.found.clear()
        report.left_out.extend(archive.left_out)
        files = all_day_files(folder, [folder / file_name(station, day) for station, day in given])
        write_tables(days_of(files, made, report), job.out, job.coordinates, job.parquet)
        report.earlier = sum(map(len, files.values())) - report.foreign - len(given)
        report.left_out.to_csv(job.out / "left_out.csv")
    return report


def day_name(station: Station, day: int) -> str:
    """NET.STA.2022-02-06."""
    return f"{station[0]}.{station[1]}.{UTCDateTime(ns=day).strftime('%Y-%m-%d')}"


def file_name(station: Station, day: int) -> str:
    """What a station-day's file is called."""
    return f"{quote(day_name(station, day), safe=' ')}.json"


def probability_file(out: Path, instrument: Instrument, day: int) -> Path:
    """Where the probabilities of an instrument's day are kept."""
    name = f"{instrument.name()}.{UTCDateTime(ns=day).strftime('%Y-%m-%d')}"
    return out / "probabilities" / f"{quote(name, safe=' ')}.mseed"


def task_of(archive: Archive, made: str, folder: Path, station: Station, day: int) -> Task:
    """What there is to do for a station-day."""
    start, end = day - CONTEXT, day + DAY + CONTEXT
    extract = archive.extract(station, start, end)
    files = [describe_file(path) for path in extract.files(station, start, end)]
    known = {"made": made, "selection": limits(archive, day), "files": files}
    return Task(day, station, extract, known, folder / file_name(station, day))


def days_of(files: dict[str, list[Path]], made: str, report: Report) -> Iterator[tuple[int, Events]]:
    """Every day (its first nanosecond) and what was found in it; what is read is counted in `report`."""
    for date, paths in files.items():
        events = Events()
        for path in paths:
            found = read_day_file(path, {"made": made})
            if found is None:
                report.foreign += 1
                continue
            events.extend(found.events)
            events.others.extend(found.others)
            report.found += found.count()
            report.left_out.extend(found.left_out)
        yield UTCDateTime(date).ns, events


def pick_task(job: Job, task: Task, progress: Callable[[int], object]) -> tuple[bool, Counter[str]]:
    """Pick one station-day, unless it is there already; whether it was, and how many events, P and S it has."""
    found = read_day_file(task.path, task.known)
    if found is not None:
        task.path.touch()  # of the latest run
        return True, found.count()
    forget(job.out, task)
    found = pick_one(task.archive, job, task.day, task.station, progress)
    write_day_file(task.path, task.known, found)
    return False, found.count()


def forget(out: Path, task: Task) -> None:
    """Remove an earlier result of a station-day, made in another way, with its probabilities and figures."""
    task.path.unlink(missing_ok=True)
    name, date = task.path.stem.rsplit(".", 1)
    for folder in ("probabilities", "plots"):
        for old in (out / folder).glob(f"{name}.*.{date}*"):
            old.unlink(missing_ok=True)


def pick_one(archive: Archive, job: Job, day: int, station: Station, progress: Callable[[int], object]) -> DayFile:
    """Read and pick one station-day; what it held in memory is free again before the next begins."""
    result = DayFile(left_out=LeftOut(day, day + DAY))
    # An iterator, so that nothing else holds a trace once it is used.
    traces = iter(archive.read(station, day - CONTEXT, day + DAY + CONTEXT, result.left_out))
    for found in station_day(traces, day, job.model, job.settings, progress, result.left_out):
        write_extras(job, found)
        result.events += found.events
        result.others += found.others
    return result


def limits(archive: Archive, day: int) -> list[int | None]:
    """The selection's times (nanoseconds), where they cut a day's records or its context."""
    chosen = archive.selection
    first, last = (None if time is None else time.ns for time in (chosen.start, chosen.end))
    return [
        None if first is None or first <= day - CONTEXT else first,
        None if last is None or last > day + DAY + CONTEXT else last,
    ]


def refuse_to_replace(task: Task, archive: Archive) -> None:
    """UserError if an earlier result, made in the same way, is of records that the new one would lack."""
    try:
        held = json.loads(task.path.read_text(encoding="utf-8"))
        (first, last), files = held["selection"], {Path(file[0]) for file in held["files"]}
        if held["made"] != task.known["made"]:
            return
    except (OSError, ValueError, KeyError, TypeError):
        return
    start, end = task.known["selection"]
    before = start is not None and (first is None or first < start)
    after = end is not None and (last is None or last > end)
    others = {file for file in files - {Path(held[0]) for held in task.known["files"]} if file.exists()}
    if others:  # their headers may not have been read yet, as their names give another day
        archive.look_at(others)
        found = archive.files(task.station, task.day - CONTEXT, task.day + DAY + CONTEXT)
        others -= {path.resolve() for path in found}
    if before or after or others:
        what = "another stretch of that day" if not others else f"other files, such as {min(others)}"
        raise UserError(
            f"{task.path.parents[1]} holds results of {task} from {what}, which would be lost: name another --out"
        )


def describe_file(path: Path) -> list[Any]:
    """Path, size and time: what differs once a file's contents have changed."""
    try:
        stat = path.stat()
    except OSError:  # it is gone or forbidden: reading it will say so
        return [str(path), None, None]
    return [str(path.resolve()), stat.st_size, stat.st_mtime_ns]


def write_extras(job: Job, found: StationDay) -> None:
    """Probabilities and figures of a station-day, as far as asked for."""
    if job.probabilities:
        path = probability_file(job.out, found.instrument, found.day)
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as partial:
            Stream(list(found.traces())).write(str(partial), format="MSEED", encoding="FLOAT32")
    if job.plots:
        from minieqt.plots import save_figure

        folder = job.out / "plots"
        folder.mkdir(exist_ok=True)
        best = sorted(found.events, key=lambda event: -event.probability)[: job.plots]
        for event in best:
            at = quote(found.instrument.name(), safe=" ")
            path = folder / f"{at}.{event.start.strftime('%Y-%m-%dT%H%M%S')}.png"
            save_figure(plot_event(found, event, job.settings.band), path)


def plot_event(found: StationDay, event: Event, band: tuple[float, float] | None) -> Any:
    """A minute of waveforms around an event, the probabilities, and the picks: a matplotlib Figure."""
    inside = [s.start <= event.start.ns < s.time(s.x.shape[1]) for s in found.segments]
    segment, probability = found.segments[inside.index(True)], found.probabilities[inside.index(True)]
    first = round((event.start.ns - segment.start) / SECOND * segment.rate - PLOT_BEFORE * segment.rate)
    first = max(min(first, segment.x.shape[1] - round(60 * segment.rate)), 0)
    cut = np.s_[:, first : first + round(60 * segment.rate)]
    begin = segment.time(first)
    picks = {pick.phase: (pick.time.ns - begin) / SECOND * segment.rate for pick in event.picks()}
    return draw(found.instrument, begin, segment.x[cut], probability.mean[cut], band, picks)


def draw(
    instrument: Instrument,
    start: int,
    x: Any,
    probability: Any,
    band: tuple[float, float] | None,
    picks: dict[str, float] | None = None,
) -> Any:
    """Waveforms (3, T) from `start` (nanoseconds) on, probabilities (3, T) and picks: a matplotlib Figure."""
    from minieqt.plots import plot_window

    time = UTCDateTime(ns=start).strftime("%Y-%m-%d %H:%M:%S.%f")[:-4]
    filtered = "unfiltered" if band is None else f"{band[0]:g}–{band[1]:g} Hz"
    title = f"{instrument.name()}   {time} UTC   {filtered}"
    return plot_window(x, tuple(probability), picks=picks, title=title, unit="record's unit")

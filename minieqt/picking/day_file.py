"""A station-day's file in OUT/station_days: what was found, from what, and what was left out."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.files import write_text
from minieqt.picking.events import Event, Pick
from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut

DATED = "*.[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9].json"  # NET.STA.2022-02-06.json; other names are not pick's

SEEN = 90.0  # s to wait for files of other machines: NFS caches a folder's names for up to a minute


@dataclass
class DayFile:
    """The result of a station-day."""

    events: list[Event] = field(default_factory=list)
    others: list[Pick] = field(default_factory=list)  # picks of no event
    left_out: LeftOut = field(default_factory=LeftOut)
    made: str = ""  # fingerprint of weights and options: the same for results that belong together
    written: int = 0  # when the latest run wrote or confirmed it (nanoseconds)

    def count(self) -> Counter[str]:
        """How many events, P and S."""
        picks = [pick.phase for event in self.events for pick in event.picks()]
        return Counter(picks + [pick.phase for pick in self.others] + ["events"] * len(self.events))


def write_day_file(path: Path, known: dict[str, Any], result: DayFile) -> None:
    """Keep a finished station-day; `known` says how and from what it was made."""
    held = {
        "events": [event_to_json(event) for event in result.events],
        "others": [pick_to_json(pick) | {"instrument": asdict(pick.instrument)} for pick in result.others],
        "left_out": result.left_out.to_json(),
    }
    write_text(path, json.dumps(known | held) + "\n")


def read_day_file(path: Path, known: dict[str, Any]) -> DayFile | None:
    """A finished station-day; None if it is not there, damaged, or was made from something else."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if any(held[name] != value for name, value in known.items()):
            return None
        return DayFile(
            [event_from_json(event) for event in held["events"]],
            [pick_from_json(pick, Instrument(**pick["instrument"])) for pick in held["others"]],
            LeftOut.from_json(held["left_out"]),
            held["made"],
            path.stat().st_mtime_ns,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def by_day(folder: Path) -> dict[str, list[Path]]:
    """{date: the station-days' files}, in order."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(DATED)):
        found.setdefault(path.stem.rpartition(".")[2], []).append(path)
    return dict(sorted(found.items()))


def all_day_files(folder: Path, made: list[Path]) -> dict[str, list[Path]]:
    """`by_day`, once it shows all files that were `made`: those of other machines may appear some time later.

    UserError if that takes longer than on any network file system.
    """
    deadline = time.monotonic() + SEEN
    while True:
        files = by_day(folder)
        shown = {path for paths in files.values() for path in paths}
        hidden = [path for path in made if path not in shown and not path.exists()]
        if not hidden:
            return files
        if time.monotonic() > deadline:
            told = f"{len(hidden)} station-days that workers have picked are not in {folder}, such as {hidden[0].name}"
            raise UserError(f"{told}: all workers have to see the same files")
        time.sleep(1)


def pick_to_json(pick: Pick) -> dict[str, Any]:
    return vars(pick) | {"instrument": None, "time": pick.time.ns}


def pick_from_json(pick: dict[str, Any], instrument: Instrument) -> Pick:
    return Pick(**(pick | {"instrument": instrument, "time": UTCDateTime(ns=pick["time"])}))


def event_to_json(event: Event) -> dict[str, Any]:
    times = {"start": event.start.ns, "end": event.end.ns}
    picks = {name: None if pick is None else pick_to_json(pick) for name, pick in (("p", event.p), ("s", event.s))}
    return vars(event) | times | picks | {"instrument": asdict(event.instrument)}


def event_from_json(event: dict[str, Any]) -> Event:
    instrument = Instrument(**event["instrument"])
    times = {"start": UTCDateTime(ns=event["start"]), "end": UTCDateTime(ns=event["end"])}
    picks = {name: None if event[name] is None else pick_from_json(event[name], instrument) for name in "ps"}
    return Event(**(event | times | picks | {"instrument": instrument}))

"""Where fetched data are kept: an SDS archive, an inventory, and a ledger of all requests.

  OUT/waveforms/YEAR/NET/STA/CHA.D/NET.STA.LOC.CHA.D.YEAR.DAY    miniSEED, as the services sent it
  OUT/stations.xml                                               StationXML of all stations
  OUT/fetched.csv                                                a line for every request, and what came of it
  OUT/left_out.csv                                               what could not be had, and why

A request's files are complete before its line is in the ledger, so that a run that was stopped can go on after it.
"""

from __future__ import annotations

import csv
import io
import os
import threading
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from obspy import Inventory, UTCDateTime, read_inventory
from obspy.core.inventory import Channel, Network, Station

from minieqt.errors import UserError
from minieqt.fetching.plan import Task
from minieqt.files import atomic_write, csv_lines
from minieqt.records.left_out import LeftOut
from minieqt.records.mseed import id_of, scan
from minieqt.records.span import DAY

FETCHED, NOT_THERE, FAILED = "fetched", "not there", "failed"  # what failed is asked for again


class Line(NamedTuple):
    """A request in the ledger. Channels are LOC.CHA, with spaces between them; times UTC."""

    station: str
    channels: str
    start: str
    end: str
    service: str
    result: str  # FETCHED, NOT_THERE or FAILED
    missing: str  # channels
    reason: str  # of what is missing

    def key(self) -> tuple[str, ...]:
        """What was asked for."""
        return self[:4]


def line(task: Task, service: str, result: str, missing: list[str], reason: str) -> Line:
    """What came of a task; `missing`: NET.STA.LOC.CHA."""
    start, end = (str(UTCDateTime(ns=time)) for time in (task.start, task.end))
    short = " ".join(id.removeprefix(f"{task.name}.") for id in missing)
    return Line(task.name, codes(task), start, end, service, result, short, reason)


def codes(task: Task) -> str:
    return " ".join(f"{location}.{channel}" for location, channel in task.channels)


class Store:
    """An OUT folder, made if need be. Threads may keep and note at the same time."""

    def __init__(self, out: Path):
        self.out, self.ledger = out, out / "fetched.csv"
        self._lock = threading.Lock()
        out.mkdir(parents=True, exist_ok=True)
        self.lines: dict[tuple[str, ...], Line] = {}
        self._done: dict[tuple[str, str], list[tuple[int, int]]] = {}  # by station and channels: times not to ask for
        try:
            for entry in self._read():
                self._hold(entry)
        except (TypeError, ValueError) as error:
            raise UserError(f"{self.ledger} is damaged: a line has no time ({error})") from error

    def _read(self) -> list[Line]:
        if not self.ledger.exists() or not self.ledger.stat().st_size:  # a full disk leaves it empty
            return []
        with open(self.ledger, newline="", encoding="utf-8", errors="replace") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        if tuple(header) != Line._fields:
            raise UserError(f"{self.ledger} is not a list of what was fetched: give another folder")
        return [Line(*row) for row in rows if len(row) == len(header)]  # a killed run may have cut off the last

    def is_done(self, task: Task) -> bool:
        """Whether a task needs no request: all of its time has been fetched, or is not to be had."""
        spans = self._done.get((task.name, codes(task)), [])
        return any(start <= task.start and task.end <= end for start, end in spans)

    def _hold(self, entry: Line) -> None:
        self.lines.pop(entry.key(), None)  # the newest is the last
        self.lines[entry.key()] = entry
        if entry.result != FAILED:
            span = UTCDateTime(entry.start).ns, UTCDateTime(entry.end).ns
            self._done.setdefault((entry.station, entry.channels), []).append(span)

    def keep(self, task: Task, data: bytes) -> list[str]:
        """Put a request's records into their files; which of its channels were among them (NET.STA.LOC.CHA).

        What a file holds already, of a request for another part of the day, stays. Records of channels that were not
        asked for are not kept.
        """
        new = records_of(data)
        found = [id for id in task.ids() if id in new]
        for id in found:
            path = self.path(id, task.start)
            path.parent.mkdir(parents=True, exist_ok=True)
            held = path.read_bytes() if path.exists() else b""
            known = set(records_of(held).get(id, []))
            with atomic_write(path) as partial:
                partial.write_bytes(held + b"".join(record for record in new[id] if record not in known))
        return found

    def path(self, id: str, time: int) -> Path:
        """The file of a channel's day."""
        network, station, _, channel = id.split(".")
        day = UTCDateTime(ns=time // DAY * DAY)
        folder = self.out / "waveforms" / f"{day.year}" / network / station / f"{channel}.D"
        return folder / f"{id}.D.{day.year}.{day.julday:03d}"

    def note(self, entry: Line) -> None:
        """Write a line into the ledger, at once."""
        with self._lock:
            new = not self.ledger.exists() or not self.ledger.stat().st_size
            with open(self.ledger, "ab+") as file:
                if new:
                    file.write((",".join(Line._fields) + "\n").encode())
                elif not ends_a_line(file):  # a run was killed while it wrote
                    file.write(b"\n")
                file.write("".join(csv_lines([entry])).encode())
                file.flush()
                os.fsync(file.fileno())
            self._hold(entry)

    def keep_stations(self, inventory: Inventory) -> None:
        """Add an inventory's stations to stations.xml; of a station's or channel's epoch the newer description counts.

        A request brings only the epochs of its own time and the channels that it asked for: others stay.
        """
        path = self.out / "stations.xml"
        if path.exists():
            new = {station_epoch(network, station): station for network in inventory for station in network}
            try:
                before = read_inventory(io.BytesIO(path.read_bytes()))  # lxml opens no path that is not UTF-8
            except Exception as error:  # ObsPy's readers raise whatever they like
                raise UserError(f"{path} is no StationXML that ObsPy reads: move it away, or mend it") from error
            for network in before:
                others = []
                for held in network:
                    station = new.get(station_epoch(network, held))
                    if station is None:
                        others.append(held)
                    else:
                        told = set(map(channel_epoch, station))
                        station.channels += [channel for channel in held if channel_epoch(channel) not in told]
                network.stations = others
                if others:
                    inventory.networks.append(network)
        with atomic_write(path) as partial, partial.open("wb") as file:
            inventory.write(file, format="STATIONXML")

    def write_left_out(self) -> LeftOut:
        """left_out.csv: every channel's stretches that could not be had, as the newest request for them tells."""
        found, of_day = LeftOut(), dict[tuple[str, ...], list[Line]]()
        for entry in reversed(self.lines.values()):
            newer = of_day.setdefault((entry.station, entry.channels, entry.start[:10]), [])
            if any(one.start <= entry.start and entry.end <= one.end for one in newer):
                continue
            newer.append(entry)
            for channel in entry.missing.split():
                start, end = UTCDateTime(entry.start).ns, UTCDateTime(entry.end).ns
                found.leave(f"{entry.station}.{channel}", start, end, entry.reason)
        found.to_csv(self.out / "left_out.csv")
        return found


def station_epoch(network: Network, station: Station) -> tuple[Any, ...]:
    """Codes, and since when (nanoseconds; None: always)."""
    since = station.start_date or network.start_date
    return network.code, station.code, since and since.ns


def channel_epoch(channel: Channel) -> tuple[Any, ...]:
    """Codes within the station, and since when (nanoseconds; None: always)."""
    since = channel.start_date
    return channel.location_code, channel.code, since and since.ns


def records_of(data: bytes) -> dict[str, list[bytes]]:
    """{NET.STA.LOC.CHA: its miniSEED records}, in the order of the data."""
    found: dict[str, list[bytes]] = {}
    for record in scan(data).records:
        found.setdefault(id_of(record), []).append(data[record["offset"] : record["offset"] + record["length"]])
    return found


def ends_a_line(file: BinaryIO) -> bool:
    """Whether a file is empty or its last byte ends a line."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"

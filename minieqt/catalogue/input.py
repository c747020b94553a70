"""What an association begins with: picks, and where each was made."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from obspy import UTCDateTime

from minieqt.errors import UserError, counted
from minieqt.importing.catalogue import match_networks, read_catalogue
from minieqt.records.stations import Coordinates, Epoch, Place, read_coordinates, unbroken
from minieqt.tables.catalogue import Origin
from minieqt.tables.missing import number
from minieqt.tables.origins import read_origins
from minieqt.tables.picks import Onset
from minieqt.tables.times import nanoseconds, time_of

DETECTIONS = "X_prediction_results.csv"
EARLY = 60 * 10**9  # ns, more than a P can precede its detection, or follow its earthquake


@dataclass(frozen=True)
class Input:
    """Picks in order of time, where each was made, and {reason: how many picks are not used}."""

    onsets: list[Onset]
    places: list[Place]
    skipped: Counter[str]

    def stations(self) -> dict[str, Place]:
        """{NET.STA: its place, the last one}."""
        return {f"{at.network}.{at.station}": place for at, place in zip(self.onsets, self.places, strict=True)}


def read_input(path: Path, inventory: Path | None, start: UTCDateTime | None, end: UTCDateTime | None) -> Input:
    """Picks of a file, or of OUT of `pick`, from `start` to before `end`. UserError where nothing can be used.

    Coordinates are those of the inventory, or without one those that stand in the table or in OUT.
    """
    if path.is_dir():
        folder, path = path, path / "picks.csv"
        if not path.is_file():
            raise UserError(f"{folder} holds no picks.csv: it is no OUT of pick")
    coordinates = read_coordinates(inventory) if inventory else coordinates_of(path)
    if not coordinates:
        raise UserError(f"nothing says where the stations of {path} stand: name an inventory with --stations")
    found = read_catalogue(path)
    pairs = {(onset.network, onset.station) for onset in found.onsets}
    known = set(coordinates) | {(net, sta) for net, sta in pairs if (net.upper(), sta.upper()) in coordinates}
    found = match_networks(found, known, "coordinates")
    first, last = (None if time is None else time.ns for time in (start, end))
    onsets, places, skipped = [], [], Counter(found.skipped)
    for onset in found.onsets:
        if (first is not None and onset.time < first) or (last is not None and onset.time >= last):
            skipped["outside the time asked for"] += 1
            continue
        place = coordinates.at(onset.network, onset.station, UTCDateTime(ns=onset.time))
        if place is None:
            skipped["pick at a station whose place at that time is not known"] += 1
        else:
            onsets.append(onset)
            places.append(place)
    if not onsets:
        raise UserError(f"no pick of {path} is left: {counted(skipped)}")
    return Input(onsets, places, skipped)


def coordinates_of(path: Path) -> Coordinates:
    """Of a table with columns station_lat, station_lon and station_elv, or of the detections beside picks.csv.

    A station that moved has its new place from EARLY before the first event whose row gives it.
    """
    found = Coordinates()
    for table in (path, path.with_name(DETECTIONS)):
        try:
            with table.open(newline="", encoding="utf-8-sig") as file:
                for row in csv.DictReader(file):
                    place = tuple(number(row.get(f"station_{name}") or "") for name in ("lat", "lon", "elv"))
                    key = (row.get("network") or "").strip().upper(), (row.get("station") or "").strip().upper()
                    epochs = found.get(key, [])
                    if not np.isnan(place).any() and (not epochs or epochs[-1].place != place):
                        time = time_of(row.get("event_start_time")) if epochs else None
                        start = None if time is None else nanoseconds(time) - EARLY
                        found[key] = [*epochs, Epoch(start, None, (place[0], place[1], place[2]))]
        except (OSError, ValueError, csv.Error):  # not a table of detections: then it has no coordinates
            continue
        if found:
            break
    return found


def covered(path: Path, given: Input, margin: float) -> tuple[list[Origin], str]:
    """The earthquakes of an agency's list that the picks could show, and in words what of it is left out.

    Those between the first pick and the last, no further than `margin` (km) outside of the stations' latitudes and
    longitudes. UserError as `read_origins`.
    """
    skipped: Counter[str] = Counter()
    origins = read_origins(path, skipped)
    latitude, longitude, _ = np.array(given.places).T
    longitude = unbroken(longitude)
    south, north = latitude.min() - margin / 111.2, latitude.max() + margin / 111.2
    wide = margin / 111.2 / max(np.cos(np.radians(np.abs(latitude).max())), 0.01)
    west, east = longitude.min() - wide, longitude.max() + wide
    first, last = given.onsets[0].time - EARLY, given.onsets[-1].time  # a pick comes later than its earthquake
    kept = []
    for origin in origins:
        if not first <= origin.time <= last:
            skipped["outside the time of the picks"] += 1
        elif not (south <= origin.latitude <= north and west <= (origin.longitude - west) % 360 + west <= east):
            skipped["outside the network's surroundings"] += 1
        else:
            kept.append(origin)
    return kept, counted(skipped)

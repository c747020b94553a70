"""Events of a table or a catalogue that ObsPy reads, as origins: an agency's list without picks."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

from minieqt.errors import UserError
from minieqt.tables.catalogue import Origin, read_picks_of
from minieqt.tables.missing import number
from minieqt.tables.picks import columns_of, delimiter_of
from minieqt.tables.times import month_first, nanoseconds, time_of

NAMES = {  # what a column may be called; the first one that is there counts
    "time": "time origin_time source_origin_time event_time origintime datetime timestamp",
    "latitude": "latitude lat source_latitude event_latitude",
    "longitude": "longitude lon long source_longitude event_longitude",
    "magnitude": "magnitude mag source_magnitude event_magnitude",
}


def read_origins(path: Path, skipped: Counter[str]) -> list[Origin]:
    """In order of time; events without a time or a place are counted. UserError for a file without any."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    header, rows = _rows(path)
    columns = columns_of([name.strip().lstrip("#") for name in header], NAMES)
    if not {"time", "latitude", "longitude"} <= columns.keys():
        found = read_picks_of(path)
        skipped.update(found.skipped)
        origins = list(found.origins.values())
    else:
        origins = _origins(rows, columns, skipped)
    if not origins:
        raise UserError(f"{path} has no event with a time, a latitude and a longitude")
    return sorted(origins, key=lambda origin: origin.time)


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table; nothing of what is none."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            line = file.readline()
            file.seek(0)
            rows = list(csv.reader(file, delimiter=delimiter_of(line)))
    except (UnicodeDecodeError, csv.Error, OSError):
        return [], []
    return (rows[0] if rows else []), [row for row in rows[1:] if any(row)]


def _origins(rows: list[list[str]], columns: dict[str, int], skipped: Counter[str]) -> list[Origin]:
    def cell(row: list[str], key: str) -> str:
        place = columns.get(key, len(row))
        return row[place] if place < len(row) else ""

    first = month_first(cell(row, "time") for row in rows)
    origins = []
    for row in rows:
        try:
            time = time_of(cell(row, "time"), first)
        except ValueError:
            time = None
        latitude, longitude, magnitude = (number(cell(row, key)) for key in ("latitude", "longitude", "magnitude"))
        if time is None:
            skipped["event without a time"] += 1
        elif math.isnan(latitude) or math.isnan(longitude) or abs(latitude) > 90 or abs(longitude) > 360:
            skipped["event without a place"] += 1
        else:
            origins.append(Origin(nanoseconds(time), latitude, longitude, magnitude))
    return origins

"""STEAD's CSV file: 35 columns with traps in them, as a TraceTable.

The traps: numbers in text (`snr_db` as "[56.8 55.4 47.4]", `coda_end_sample` as "[[2896.]]"), None and other words for
missing values, empty fields, arrivals that are not whole samples.
Mousavi et al. 2019, IEEE Access 7, "STanford EArthquake Dataset (STEAD)".
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.arrivals import usable_coda, wrong_arrivals
from minieqt.data.resample import stated_rate, to_100_hz, wrong_rate
from minieqt.data.table import RATE, TEXT, TraceTable, describe, first_of_each
from minieqt.errors import UserError
from minieqt.tables.missing import MISSING, NO_CODE, identifier, number, sample, three_numbers
from minieqt.tables.times import times

Array = Any

COLUMNS = tuple(
    """network_code receiver_code receiver_type receiver_latitude receiver_longitude receiver_elevation_m
    p_arrival_sample p_status p_weight p_travel_sec s_arrival_sample s_status s_weight source_id source_origin_time
    source_origin_uncertainty_sec source_latitude source_longitude source_error_sec source_gap_deg
    source_horizontal_uncertainty_km source_depth_km source_depth_uncertainty_km source_magnitude
    source_magnitude_type source_magnitude_author source_mechanism_strike_dip_rake source_distance_deg
    source_distance_km back_azimuth_deg snr_db coda_end_sample trace_start_time trace_category trace_name""".split()
)
REQUIRED = ("trace_name", "p_arrival_sample", "s_arrival_sample")
READ = (  # what the table needs, in the order in which read_csv unpacks it
    "trace_name trace_category p_arrival_sample s_arrival_sample coda_end_sample snr_db source_id network_code "
    "receiver_code source_magnitude source_distance_km trace_start_time "
    "trace_sampling_rate_hz sampling_rate trace_dt_s"  # not STEAD's own, whose traces are all at 100 Hz
).split()
CODES = ("network_code", "receiver_code")
NAME_TWICE = "name that stands in the CSV twice"


def read_csv(path: Path) -> tuple[TraceTable, Array, dict[str, int], dict[str, str]]:
    """STEAD's CSV -> (table, rates (N,) in Hz, {reason: rows left out}, {reason: name of the first}).

    Data sets in STEAD's layout may say another sampling rate than 100 Hz; arrivals become samples at 100 Hz.

    Left out are rows with fields missing, of unknown category, and earthquakes without arrivals, or whose arrivals
    are outside the window or in the wrong order. A phase that was not picked is NaN; where no coda's end is given,
    `usable_coda` finds one. A trace without source_id is an event of its own.
    UserError if a needed column is missing or no row is left.
    """
    skipped: dict[str, int] = {}
    first: dict[str, str] = {}

    def skip(reason: str, name: str, count: int = 1) -> None:
        skipped[reason] = skipped.get(reason, 0) + count
        first.setdefault(reason, name)

    rows, rates = _Rows(), array("d")
    for line, fields in _rows(path):
        p = s = coda = np.nan
        snr = [np.nan] * 3
        if fields is None:
            skip("row with too few or too many fields", f"line {line}")
            continue
        name, category, p_text, s_text, coda_text, snr_text, *rest = fields
        earthquake = category.startswith("earthquake") or (not category and name.endswith("_EV"))
        noise = category == "noise" or (not category and name.endswith("_NO"))
        *rest, seisbench_hz, hz, interval = rest
        rate, reason = RATE, ""
        if seisbench_hz or hz or interval:
            rate = stated_rate(seisbench_hz or hz, interval)
            reason = wrong_rate(rate)
        if not earthquake and not noise:
            reason = reason or "neither earthquake nor noise"
        elif earthquake and not reason:
            scale = to_100_hz(rate)
            p, s, coda = sample(p_text) * scale, sample(s_text) * scale, sample(coda_text) * scale
            snr, reason, coda = three_numbers(snr_text), wrong_arrivals(p, s), usable_coda(p, s, coda)
        if reason:
            skip(reason, name)
            continue
        rates.append(rate)
        source, network, station, magnitude, distance, start_time = rest
        texts = (name, identifier(source) or name, f"{network}.{station}".strip("."), start_time)
        rows.add(texts, earthquake, (p, s, coda, number(magnitude), number(distance), *snr))
    table = rows.table()
    if not len(table):
        found = f" ({describe(skipped, first)})" if skipped else ""
        raise UserError(f"{path} holds no usable row{found}; give a STEAD CSV file")
    rate_of_each, new = np.array(rates, np.float64), first_of_each(table.name)
    if len(new) < len(table):
        twice = np.setdiff1d(np.arange(len(table)), new)
        skip(NAME_TWICE, str(table.name[twice[0]]), len(twice))
        table, rate_of_each = table.take(new), rate_of_each[new]
    return table, rate_of_each, skipped, first


class _Rows:
    """Rows on their way into a table: turned into arrays a chunk at a time, as Python's objects take five times the
    room of a table with a million rows."""

    CHUNK = 50_000
    TEXTS = ("name", "event", "station")
    NUMBERS = ("p_sample", "s_sample", "coda_end", "magnitude", "distance_km")
    SHORT = ("magnitude", "distance_km")  # float32

    def __init__(self) -> None:
        self._parts: dict[str, list[Array]] = {field.name: [] for field in fields_of(TraceTable)}
        self._begin()

    def _begin(self) -> None:
        self._texts: list[tuple[str, ...]] = []
        self._earthquakes, self._numbers = bytearray(), array("d")

    def add(self, texts: tuple[str, ...], earthquake: bool, numbers: tuple[float, ...]) -> None:
        self._texts.append(texts)
        self._earthquakes.append(earthquake)
        self._numbers.extend(numbers)
        if len(self._texts) == self.CHUNK:
            self._finish_chunk()

    def _finish_chunk(self) -> None:
        numbers = np.array(self._numbers).reshape(len(self._texts), len(self.NUMBERS) + 3)
        for i, name in enumerate(self.TEXTS):
            self._parts[name].append(np.array([texts[i] for texts in self._texts], TEXT))
        for i, name in enumerate(self.NUMBERS):
            self._parts[name].append(numbers[:, i].astype(np.float32 if name in self.SHORT else np.float64))
        self._parts["snr_db"].append(numbers[:, len(self.NUMBERS) :].astype(np.float32))
        self._parts["start_time"].append(times([texts[-1] for texts in self._texts]))
        self._parts["earthquake"].append(np.frombuffer(self._earthquakes, bool))
        self._begin()

    def table(self) -> TraceTable:
        self._finish_chunk()
        columns = {name: np.concatenate(parts) for name in list(self._parts) if (parts := self._parts.pop(name))}
        second = np.full((2, len(columns["name"])), np.nan)  # STEAD's columns know of one earthquake
        return TraceTable(**columns, second_p=second[0], second_s=second[1])


def _rows(path: Path) -> Iterator[tuple[int, list[str] | None]]:
    """(line number, the fields READ) of every row; an absent column or a word for nothing is the empty text.

    The fields are None where a row has too few or too many. UserError for a file that is not such a CSV.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            header = [column.strip() for column in header]
            missing = [column for column in REQUIRED if column not in header]
            if missing:
                raise UserError(f"{path} has no column {', '.join(missing)}: not a STEAD CSV file")
            positions = [header.index(column) if column in header else len(header) for column in READ]
            words = [NO_CODE if column in CODES else MISSING for column in READ]
            for row in reader:
                if len(row) == len(header):
                    row.append("")  # what an absent column reads
                    fields = zip((row[position] for position in positions), words, strict=True)
                    yield reader.line_num, ["" if field in nothing else field for field, nothing in fields]
                elif row:
                    yield reader.line_num, None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file ({error})") from error


def read_columns(path: Path, columns: Sequence[str]) -> dict[str, list[str]]:
    """{trace name: what stands in these columns}; rows cut short are left out, and of a name that comes twice the first
    row counts, as in `read_csv`. UserError for a missing column."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            wanted = ["trace_name", *columns]
            missing = [column for column in wanted if column not in header]
            if missing:
                raise UserError(f"{path} has no column {', '.join(missing)}")
            name, *places = (header.index(column) for column in wanted)
            found: dict[str, list[str]] = {}
            for row in reader:
                if len(row) == len(header):
                    found.setdefault(row[name], [row[place] for place in places])
            return found
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file ({error})") from error

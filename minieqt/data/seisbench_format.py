"""SeisBench's layout of a data set: metadata.csv and waveforms.hdf5, through the same interface as STEAD's.

`trace_name` is the key of a dataset below `data/`, or "bucket$index,shape" for one trace of a bucket of many: the
slice of "bucket4$3,:3,:6000" is [3, :3, :6000]. The group `data_format` names the order of dimensions (CW, NCW …) and
of components (ZNE …) and the sampling rate; the columns trace_component_order, trace_sampling_rate_hz and trace_dt_s
overrule it row by row. Other rates than 100 Hz are resampled as traces are read. Arrivals stand in
trace_p_arrival_sample (or trace_P_…, Pg, Pn), in samples; trace_P_1_arrival_sample is another earthquake's. A window
that holds a second earthquake is labelled with both; one with more, or with half of one, is left out.
Woollam et al. 2022, "SeisBench: a toolbox for machine learning in seismology"; large sets come in chunks
(metadataA.csv, waveformsA.hdf5), listed in a file `chunks`.
"""

from __future__ import annotations

import csv
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.arrivals import usable_coda, wrong_arrivals
from minieqt.data.index import open_hdf5
from minieqt.data.resample import resample, stated_rate, to_100_hz, wrong_rate
from minieqt.data.several import Several
from minieqt.data.stead_csv import NAME_TWICE, read_columns
from minieqt.data.table import (
    COMPONENTS,
    RATE,
    SAMPLES,
    TEXT,
    BadTrace,
    Dataset,
    TraceTable,
    as_window,
    describe,
    read_each,
)
from minieqt.errors import UserError
from minieqt.hdf5_heap import lies_in_bad_heap
from minieqt.tables.missing import code, identifier, known, number, sample
from minieqt.tables.times import times

Array = Any

NAMES = {"P": "P P1 Pg Pn Pb Pmp", "S": "S S1 Sg Sn Sb Sms"}  # which phases' arrivals are P and S
ARRIVAL = re.compile(r"trace_([A-Za-z]+1?)(?:_(\d+))?_arrival_sample")
LETTERS = {"1": "N", "2": "E", "Y": "N", "X": "E", "R": "N", "T": "E"}  # what stands for north and for east
BEFORE, AFTER = 1000, 400  # samples before the first arrival of a trace that is cut, and what must follow the last one
_OPENING = threading.Lock()


def arrival_columns(columns: Iterable[str]) -> dict[str, tuple[str, int]]:
    """{column: (P or S, which earthquake of the window)} of those columns that hold arrivals."""
    phase_of = {name.upper(): phase for phase, names in NAMES.items() for name in names.split()}
    found = {}
    for column in columns:
        match = ARRIVAL.fullmatch(column.strip())
        if match and match[1].upper() in phase_of:
            found[column] = phase_of[match[1].upper()], int(match[2] or 0)
    return found


def open_seisbench(folder: str | Path) -> Dataset:
    """Open a SeisBench data set's folder. UserError if it is none; rows left out are counted in `.skipped`."""
    folder = Path(folder)
    parts = [SeisBench(folder / f"waveforms{chunk}.hdf5", folder / f"metadata{chunk}.csv") for chunk in _chunks(folder)]
    return parts[0] if len(parts) == 1 else Several(parts)


def _chunks(folder: Path) -> list[str]:
    """The chunks that the file `chunks` lists, or, where it is absent or empty, those whose files are there."""
    try:
        listed = (folder / "chunks").read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        listed = []
    found = sorted(path.name[len("metadata") : -len(".csv")] for path in folder.glob("metadata*.csv"))
    return list(dict.fromkeys(listed)) or found or [""]


@dataclass(frozen=True)
class Format:
    """What the HDF5 file says of its traces."""

    order: str  # of dimensions, C and W, in a trace
    components: str
    rate: float  # Hz; 100 if it does not say


@dataclass(frozen=True)
class Place:
    """Where one row's samples lie, and how."""

    key: str
    components: str
    rate: float  # Hz
    first: int  # sample at which the window begins


class SeisBench:
    """One chunk: its table, its windows. A trace shorter than 60 s is padded with zeros at its end; of a longer one the
    first 60 s are used, or, where an arrival comes later, those from ten seconds before the first arrival. An absent
    component is zero."""

    def __init__(self, hdf5: Path, metadata: Path):
        for path in (hdf5, metadata):
            if not path.is_file():
                raise UserError(f"{path} does not exist; give the folder of a SeisBench data set")
        self.hdf5, self.metadata = hdf5, metadata
        self._file: Any = None
        self._process = 0
        self._format = self._read_format()
        self.skipped: dict[str, int] = {}
        self._first: dict[str, str] = {}
        self.table, self._places = self._read_table()

    def _read_format(self) -> Format:
        try:
            found = self._open().get("data_format")
            if found is not None and any(lies_in_bad_heap(self.hdf5, found[name]) for name in found):
                raise ValueError("the heap of its texts is damaged")
            text = {name: _text(found[name][()]) for name in found} if found is not None else {}
        except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{self.hdf5}: its data_format cannot be read ({error})") from error
        order = known(text.get("dimension_order", "CW")).upper().replace("N", "")
        components = known(text.get("component_order", "ZNE")).upper()
        if sorted(order) not in (["C", "W"], ["W"]) or not _letters(components):
            raise UserError(f"{self.hdf5} holds {order} of {components}; wanted C and W of some of Z, N, E")
        return Format(order, components, stated_rate(text.get("sampling_rate", "")))

    def _read_table(self) -> tuple[TraceTable, list[Place]]:
        rows: list[tuple[Any, ...]] = []
        try:
            with open(self.metadata, newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                if "trace_name" not in (reader.fieldnames or ()):
                    raise UserError(f"{self.metadata} has no column trace_name: not SeisBench's metadata")
                arrivals = arrival_columns(reader.fieldnames or ())
                seen = set[str]()
                for row in reader:
                    reason, values = self._values(row, arrivals)
                    if not reason and values[0] in seen:
                        reason = NAME_TWICE
                    seen.update(values[:1])
                    if reason:
                        self.skipped[reason] = self.skipped.get(reason, 0) + 1
                        self._first.setdefault(reason, row["trace_name"] or f"line {reader.line_num}")
                    else:
                        rows.append(values)
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{self.metadata} is not a CSV file ({error})") from error
        if not rows:
            found = f" ({describe(self.skipped, self._first)})" if self.skipped else ""
            raise UserError(f"{self.metadata} holds no usable row{found}")
        columns = list(zip(*rows, strict=True))
        texts, numbers = ("name", "event", "station"), ("p", "s", "coda", "magnitude", "distance", "from_s", "p2", "s2")
        names = (*texts, "start_time", "earthquake", *numbers, "snr", "place")
        by_name = dict(zip(names, columns, strict=True))
        text = {name: np.array(by_name[name], TEXT) for name in texts}
        value = {name: np.array(by_name[name], np.float64) for name in numbers}
        table = TraceTable(
            earthquake=np.array(by_name["earthquake"], bool),
            p_sample=value["p"],
            s_sample=value["s"],
            coda_end=value["coda"],
            snr_db=np.array(by_name["snr"], np.float32).reshape(-1, 3),
            magnitude=value["magnitude"].astype(np.float32),
            distance_km=value["distance"].astype(np.float32),
            start_time=times(by_name["start_time"]) + (1e6 * value["from_s"]).astype("m8[us]"),
            second_p=value["p2"],
            second_s=value["s2"],
            **text,
        )
        return table, list(by_name["place"])

    def _values(self, row: dict[str, str], arrivals: dict[str, tuple[str, int]]) -> tuple[str, tuple[Any, ...]]:
        """One row of metadata.csv: why it cannot be used, or the empty text; and the table's values."""
        if None in row or None in row.values():
            return "row with too few or too many fields", ()

        def value(column: str) -> float:
            return number(row.get(column) or "")

        hz, interval = row.get("trace_sampling_rate_hz", ""), row.get("trace_dt_s", "")
        rate = stated_rate(hz, interval, self._format.rate)
        if reason := wrong_rate(rate):
            return reason, ()
        components = _order(known(row.get("trace_component_order"))) or self._format.components
        if not _letters(components):
            return f"components {components}", ()
        to_100 = to_100_hz(rate)
        picked: dict[tuple[str, int], float] = {}
        for column, key in arrivals.items():
            picked[key] = float(np.fmin(picked.get(key, np.nan), sample(row[column]) * to_100))
        numbers = {event for (_, event), time in picked.items() if not np.isnan(time)}
        pairs = [tuple(picked.get((phase, event), np.nan) for phase in "PS") for event in sorted(numbers)]
        (p, s), *others = sorted(pairs, key=np.nanmin) or [(np.nan, np.nan)]
        category = known(row.get("trace_category")).lower()
        source = identifier(row.get("source_id"))
        noise = "noise" in category or row["trace_name"].endswith("_NO")
        no_source = not (source or known(row.get("source_magnitude")))
        noise = noise or (not category and no_source and np.isnan(p) and np.isnan(s))
        first, coda, second = 0, np.nan, (np.nan, np.nan)
        if noise:
            p = s = np.nan
        else:
            if np.fmax(p, s) + AFTER > SAMPLES:  # a longer trace: begin a while before the first arrival
                first = max(int((np.fmin(p, s) - BEFORE) / to_100), 0)
            p, s = p - first * to_100, s - first * to_100
            if reason := wrong_arrivals(p, s):
                return reason, ()
            told = (sample(row.get("trace_coda_end_sample") or "") - first) * to_100
            coda = usable_coda(p, s, told)
            shifted = [(p_other - first * to_100, s_other - first * to_100) for p_other, s_other in others]
            inside = [pair for pair in shifted if any(0 <= time < SAMPLES for time in pair)]
            if len(inside) > 1:
                return "third earthquake in the window", ()
            if inside:
                (second,) = inside
                if reason := wrong_arrivals(*second):
                    return f"second earthquake: {reason}", ()
                coda = max(coda, usable_coda(*second, told))
        name = known(row.get("trace_name_original")) or row["trace_name"]
        snr = [value(f"trace_{component}_snr_db") for component in "ENZ"]
        station = f"{code(row.get('station_network_code'))}.{code(row.get('station_code'))}".strip(".")
        texts = (name, source or name, station, known(row.get("trace_start_time")))
        values = (p, s, coda, value("source_magnitude"), value("path_ep_distance_km"), first / rate, *second)
        return "", (*texts, not noise, *values, snr, Place(row["trace_name"], components, rate, first))

    def __len__(self) -> int:
        return len(self.table)

    def read(self, row: int) -> Array:
        """(3, 6000) float32, E N Z, at 100 Hz, otherwise as recorded. BadTrace if it cannot be used."""
        name, place = str(self.table.name[row]), self._places[row]
        bucket, _, where = place.key.partition("$")
        try:
            stored = self._open()[f"data/{bucket}"]
            if stored.dtype.kind not in "fiu":
                raise TypeError(f"holds {stored.dtype}, not numbers")
            samples = np.asarray(stored[_slices(where)] if where else stored[()])
        except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError, IndexError) as error:
            raise BadTrace(name, "unreadable", f"cannot be read from {self.hdf5}: {error}") from error
        components = place.components
        if samples.ndim == 1:  # one component; where nobody says which, the vertical
            samples, components = samples[None], components if len(components) == 1 else "Z"
        elif samples.ndim == 2 and self._format.order == "WC":
            samples = samples.T
        if samples.ndim != 2 or len(samples) != len(components):
            raise BadTrace(name, "wrong shape", f"has shape {samples.shape}, wanted {len(components)} components")
        length = int(np.ceil(SAMPLES * place.rate / RATE)) + 1
        letters = _letters(components)
        part = samples[list(letters.values()), place.first : place.first + length]
        if part.shape[1]:
            part = resample(part, place.rate)[:, :SAMPLES]
        window = np.zeros((SAMPLES, COMPONENTS), part.dtype)
        window[: part.shape[1], ["ENZ".index(letter) for letter in letters]] = part.T
        return as_window(name, window)

    def read_into(self, rows: Array, out: Array) -> dict[int, BadTrace]:
        """One `read` after the other."""
        return read_each(self.read, rows, out)

    def report(self) -> str:
        """One line on the rows left out, or the empty text if there are none."""
        if not self.skipped:
            return ""
        return f"{self.metadata}: {sum(self.skipped.values())} rows left out: {describe(self.skipped, self._first)}"

    def columns(self, *names: str) -> dict[str, list[str]]:
        """{trace name, as in the table: what stands in columns of the metadata}."""
        stored = read_columns(self.metadata, names)
        return {
            str(name): stored[place.key] for name, place in zip(self.table.name.tolist(), self._places, strict=True)
        }

    def close(self) -> None:
        if self._file is not None and self._process == os.getpid():
            self._file.close()
        self._file = None

    def __enter__(self) -> SeisBench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> Any:
        with _OPENING:
            if self._file is None or self._process != os.getpid():
                self._file, self._process = open_hdf5(self.hdf5), os.getpid()
            return self._file


def _letters(components: str) -> dict[str, int]:
    """{E, N or Z: which component it is}, of those that there are; others, such as a hydrophone's, are left aside."""
    found = {letter: components.index(letter) for letter in "ENZ" if letter in components}
    for letter, stands_for in LETTERS.items():
        if letter in components:
            found.setdefault(stands_for, components.index(letter))
    return found


def _slices(text: str) -> tuple[Any, ...]:
    """ "3,:3,0:6000,:" -> [3, :3, 0:6000, :]. ValueError for what is no such thing."""

    def one(part: str) -> Any:
        bounds = [int(bound) if bound.strip() else None for bound in part.split(":")]
        if len(bounds) == 1 and bounds[0] is not None:
            return bounds[0]
        if len(bounds) != 2:
            raise ValueError(f"{part!r} is no index")
        return slice(*bounds)

    return tuple(map(one, text.split(",")))


def _order(text: str) -> str:
    """ "ZNE", "['Z', 'N', 'E']" or "Z,N,E" -> "ZNE"."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _text(value: Any) -> str:
    """An HDF5 scalar's text; of a list of letters, all in a row."""
    if isinstance(value, np.ndarray):
        return "".join(_text(each) for each in value.ravel().tolist())
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

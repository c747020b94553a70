"""SeisBench's layout of a data set: metadata.csv and waveforms.hdf5, through the same interface as STEAD's.

`trace_name` is the key of a dataset below `data/`, or "bucket$index,shape" for one trace of a bucket of many: the
slice of "bucket4$3,:3,:6000" is [3, :3, :6000]. The group `data_format` names the order of dimensions (CW, NCW …) and
of components (ZNE …) and the sampling rate. Arrivals stand in trace_p_arrival_sample (or trace_P_…, Pg, Pn), in
samples. Woollam et al. 2022, "SeisBench: a toolbox for machine learning in seismology"; large sets come in chunks
(metadataA.csv, waveformsA.hdf5), listed in a file `chunks`.
"""

from __future__ import annotations

import csv
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.arrivals import usable_coda, wrong_arrivals
from minieqt.data.index import open_hdf5
from minieqt.data.several import Several
from minieqt.data.stead_csv import read_columns
from minieqt.data.table import COMPONENTS, SAMPLES, TEXT, BadTrace, Dataset, TraceTable, as_window, describe, read_each
from minieqt.errors import UserError
from minieqt.tables.missing import number
from minieqt.tables.times import times

Array = Any

PHASES = {phase: [f"trace_{name}_arrival_sample" for name in names] for phase, names in {
    "P": ("p", "P", "P1", "Pg", "Pn"),
    "S": ("s", "S", "S1", "Sg", "Sn"),
}.items()}  # fmt: skip
RATE = 100.0  # Hz
_OPENING = threading.Lock()


def open_seisbench(folder: str | Path) -> Dataset:
    """Open a SeisBench data set's folder. UserError if it is none; rows left out are counted in `.skipped`."""
    folder = Path(folder)
    chunks = [""]
    if (folder / "chunks").is_file():
        chunks = (folder / "chunks").read_text(encoding="utf-8").split()
    parts = [SeisBench(folder / f"waveforms{chunk}.hdf5", folder / f"metadata{chunk}.csv") for chunk in chunks]
    return parts[0] if len(parts) == 1 else Several(parts)


class SeisBench:
    """One chunk: its table, its windows. A trace longer or shorter than 60 s is cut or padded with zeros at its end,
    with a second to spare before P where that needs to be."""

    def __init__(self, hdf5: Path, metadata: Path):
        for path in (hdf5, metadata):
            if not path.is_file():
                raise UserError(f"{path} does not exist; give the folder of a SeisBench data set")
        self.hdf5, self.metadata = hdf5, metadata
        self._file: Any = None
        self._process = 0
        self._read_format()
        self.skipped: dict[str, int] = {}
        self._first: dict[str, str] = {}
        self.table, self._key, self._from = self._read_table()

    def _read_format(self) -> None:
        found = self._open().get("data_format")
        text = {name: _text(found[name][()]) for name in found} if found is not None else {}
        self._order = text.get("dimension_order", "CW").upper().replace("N", "")
        self._components = text.get("component_order", "ZNE").upper()
        rate = number(text.get("sampling_rate", str(RATE)))
        if sorted(self._order) != ["C", "W"] or not set("ENZ") <= set(self._components):
            raise UserError(f"{self.hdf5} holds {self._order} of {self._components}; wanted C and W of Z, N, E")
        if not np.isnan(rate) and rate != RATE:  # where traces differ, the metadata says each one's rate
            raise UserError(f"{self.hdf5} is sampled at {rate:g} Hz, not at {RATE:g} Hz: resample it first")

    def _read_table(self) -> tuple[TraceTable, list[str], Array]:
        rows: list[tuple[Any, ...]] = []
        with open(self.metadata, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if "trace_name" not in (reader.fieldnames or ()):
                raise UserError(f"{self.metadata} has no column trace_name: not SeisBench's metadata")
            seen = set[str]()
            for row in reader:
                reason, values = _values(row)
                if not reason and values[0] in seen:
                    reason = "name that stands in the CSV twice"
                seen.update(values[:1])
                if reason:
                    self.skipped[reason] = self.skipped.get(reason, 0) + 1
                    self._first.setdefault(reason, row["trace_name"])
                else:
                    rows.append(values)
        if not rows:
            found = f" ({describe(self.skipped, self._first)})" if self.skipped else ""
            raise UserError(f"{self.metadata} holds no usable row{found}")
        columns = list(zip(*rows, strict=True))
        texts, numbers = ("name", "event", "station"), ("p", "s", "coda", "magnitude", "distance", "from")
        names = (*texts, "start_time", "earthquake", *numbers, "snr", "key")
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
            start_time=times(by_name["start_time"]),
            **text,
        )
        return table, list(by_name["key"]), value["from"].astype(np.int64)

    def __len__(self) -> int:
        return len(self.table)

    def read(self, row: int) -> Array:
        """(3, 6000) float32, E N Z, as recorded. BadTrace if it cannot be used."""
        name, key = str(self.table.name[row]), self._key[row]
        bucket, _, where = key.partition("$")
        try:
            stored = self._open()[f"data/{bucket}"]
            samples = stored[_slices(where)] if where else stored[()]
        except (KeyError, OSError, TypeError, ValueError, IndexError) as error:
            raise BadTrace(name, "unreadable", f"cannot be read from {self.hdf5}: {error}") from error
        if samples.ndim != 2 or samples.shape[self._order.index("C")] != len(self._components):
            raise BadTrace(name, "wrong shape", f"has shape {samples.shape}, wanted {len(self._components)} components")
        samples = samples if self._order == "CW" else samples.T
        window = np.zeros((SAMPLES, COMPONENTS), samples.dtype)
        part = samples[[self._components.index(c) for c in "ENZ"], self._from[row] : self._from[row] + SAMPLES]
        window[: part.shape[1]] = part.T
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
        return {str(name): stored[key] for name, key in zip(self.table.name.tolist(), self._key, strict=True)}

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


def _values(row: dict[str, str]) -> tuple[str, tuple[Any, ...]]:
    """One row of metadata.csv: why it cannot be used, or the empty text; and the table's values."""
    if None in row or None in row.values():
        return "row with too few or too many fields", ()
    p, s = (_first_number(row, PHASES[phase]) for phase in "PS")
    rate = number(row.get("trace_sampling_rate_hz") or "")
    if not np.isnan(rate) and rate != RATE:
        return f"{rate:g} Hz, not {RATE:g}", ()
    category, no_source = row.get("trace_category") or "", not (row.get("source_id") or row.get("source_magnitude"))
    noise = "noise" in category or row["trace_name"].endswith("_NO")
    noise = noise or (not category and no_source and np.isnan(p) and np.isnan(s))
    start = 0.0
    coda = np.nan
    if noise:
        p = s = np.nan
    else:
        if np.fmax(p, s) + 400 > SAMPLES:  # a longer trace: begin a while before the first arrival
            start = float(max(int(np.fmin(p, s)) - 1000, 0))
        p, s = p - start, s - start
        if reason := wrong_arrivals(p, s):
            return reason, ()
        coda = usable_coda(p, s, number(row.get("trace_coda_end_sample") or "") - start)
    name = row.get("trace_name_original") or row["trace_name"]
    snr = [number(row.get(f"trace_{c}_snr_db") or "") for c in "ENZ"]
    station = f"{row.get('station_network_code') or ''}.{row.get('station_code') or ''}".strip(".")
    magnitude, distance = (number(row.get(column) or "") for column in ("source_magnitude", "path_ep_distance_km"))
    texts = (name, row.get("source_id") or name, station, row.get("trace_start_time") or "")
    return "", (*texts, not noise, p, s, coda, magnitude, distance, start, snr, row["trace_name"])


def _first_number(row: dict[str, str], columns: list[str]) -> float:
    values = [value for column in columns if not np.isnan(value := number(row.get(column) or ""))]
    return values[0] if values else np.nan


def _slices(text: str) -> tuple[Any, ...]:
    """ "3,:3,:6000" -> [3, :3, :6000]."""
    return tuple(slice(int(part[1:] or SAMPLES)) if part.startswith(":") else int(part) for part in text.split(","))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

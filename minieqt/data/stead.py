"""STEAD: one HDF5 file of waveforms and one CSV file of what is known about them.

Waveforms stand under `data/<trace_name>`, in an older tree under `earthquake/local/` and `non_earthquake/noise/`;
each is (6000, 3), columns E N Z, 100 Hz. The CSV has 35 columns and its traps: numbers in text
(`snr_db` as "[56.8 55.4 47.4]", `coda_end_sample` as "[[2896.]]"), the word None, empty fields, arrivals that are
not whole. Mousavi et al. 2019, IEEE Access 7, "STanford EArthquake Dataset (STEAD)".
"""

from __future__ import annotations

import csv
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.labels import detection_end
from minieqt.data.table import SAMPLES, BadTrace, TraceTable, as_window, describe
from minieqt.errors import UserError

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
    "receiver_code source_magnitude source_distance_km trace_start_time"
).split()
ABSENT = ("None", "nan")  # literal texts for what is not there

FLAT = {True: "data", False: "data"}  # is it an earthquake? -> its group
TREE = {True: "earthquake/local", False: "non_earthquake/noise"}


def open_dataset(hdf5: str | Path, csv: str | Path) -> Stead:
    """Open a STEAD pair of files. UserError for what cannot be used; rows left out are counted in `.skipped`."""
    return Stead(Path(hdf5), Path(csv))


class Stead:
    """A STEAD data set: `table`, `read(row)`, and what was left out (`skipped`, in words `report()`).

    The HDF5 file is opened when first read, once per process, so that a data set may be sent to worker processes.
    """

    def __init__(self, hdf5: Path, csv: Path):
        self.hdf5, self.csv = hdf5, csv
        self._file: Any = None
        self._process = 0
        _must_exist(hdf5, "HDF5")
        _must_exist(csv, "CSV")
        self.table, self.skipped, self._first = read_csv(csv)
        names = self._find_names()
        present = np.fromiter(
            (name in names[kind] for name, kind in zip(self.table.name, self.table.earthquake.tolist(), strict=True)),
            bool,
            len(self.table),
        )
        if not present.all():
            missing = self.table.name[~present]
            if not present.any():
                raise UserError(
                    f"none of the {len(missing)} traces of {csv} is in {hdf5} (first missing: {missing[0]}); "
                    "give the CSV file that belongs to this HDF5 file"
                )
            self.skipped["in the CSV but not in the HDF5 file"] = len(missing)
            self._first["in the CSV but not in the HDF5 file"] = str(missing[0])
            self.table = self.table.take(present)

    def __len__(self) -> int:
        return len(self.table)

    def read(self, row: int) -> Array:
        """(3, 6000) float32, E N Z, as recorded. BadTrace for a wrong shape, NaN, infinity or an unreadable trace."""
        name = str(self.table.name[row])
        try:
            samples = self._open()[f"{self._group[bool(self.table.earthquake[row])]}/{name}"][()]
        except (KeyError, OSError) as error:
            raise BadTrace(name, "unreadable", f"cannot be read from {self.hdf5}: {error}") from error
        return as_window(name, samples)

    def report(self) -> str:
        """One line on the rows left out, or the empty text if there are none."""
        if not self.skipped:
            return ""
        return f"{self.csv}: {sum(self.skipped.values())} rows left out: {describe(self.skipped, self._first)}"

    def close(self) -> None:
        """Close the HDF5 file; reading opens it again."""
        if self._file is not None and self._process == os.getpid():
            self._file.close()
        self._file = None

    def __enter__(self) -> Stead:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None}

    def _open(self) -> Any:
        """The open file; one handle for each process, as HDF5 cannot share one across a fork."""
        if self._file is None or self._process != os.getpid():
            import h5py

            try:
                self._file, self._process = h5py.File(self.hdf5, "r"), os.getpid()
            except OSError as error:
                raise UserError(f"{self.hdf5} cannot be opened as HDF5 ({error}); is the download complete?") from error
        return self._file

    def _find_names(self) -> dict[bool, set[str]]:
        """The names in the file, of earthquakes (True) and of noise (False); decides which of the trees it is."""
        file = self._open()
        self._group = FLAT if "data" in file else TREE
        names = {group: set(file[group]) for group in set(self._group.values()) if group in file}
        if not names:
            raise UserError(f"{self.hdf5} has neither the group data nor {' and '.join(TREE.values())}: not STEAD")
        return {kind: names.get(group, set()) for kind, group in self._group.items()}


def read_csv(path: Path) -> tuple[TraceTable, dict[str, int], dict[str, str]]:
    """STEAD's CSV -> (table, {reason: rows left out}, {reason: name of the first}).

    Left out are rows with fields missing, of unknown category, and earthquakes without two arrivals in the right
    order inside the window. An earthquake without a coda's end gets S + 0.4 (S − P), clipped to the window; a
    trace without source_id is an event of its own. UserError if a needed column is missing or no row is left.
    """
    skipped: dict[str, int] = {}
    first: dict[str, str] = {}
    text: dict[str, list[str]] = {column: [] for column in ("name", "event", "station", "start_time")}
    numbers = {column: array("d") for column in ("p", "s", "coda", "snr", "magnitude", "distance")}
    earthquakes = bytearray()
    for line, fields in _rows(path):
        p = s = coda = np.nan
        snr = [np.nan] * 3
        if fields is None:
            name, earthquake, reason = f"line {line}", False, "row with too few or too many fields"
        else:
            name, category, p_text, s_text, coda_text, snr_text, *rest = fields
            earthquake = category.startswith("earthquake") or (not category and name.endswith("_EV"))
            noise = category == "noise" or (not category and name.endswith("_NO"))
            reason = "" if earthquake or noise else "neither earthquake nor noise"
        if earthquake:
            p, s, coda, snr = number(p_text), number(s_text), number(coda_text), three_numbers(snr_text)
            reason = _wrong_arrivals(p, s)
            coda = min(coda if coda > s else detection_end(p, s), SAMPLES)
        if reason:
            skipped[reason] = skipped.get(reason, 0) + 1
            first.setdefault(reason, name)
            continue
        source, network, station, magnitude, distance, start_time = rest
        earthquakes.append(earthquake)
        text["name"].append(name)
        text["event"].append(source or name)
        text["station"].append(f"{network}.{station}".strip("."))
        text["start_time"].append(start_time)
        for column, value in (("p", p), ("s", s), ("coda", coda)):
            numbers[column].append(value)
        numbers["snr"].extend(snr)
        numbers["magnitude"].append(number(magnitude))
        numbers["distance"].append(number(distance))
    if not earthquakes:
        found = f" ({describe(skipped, first)})" if skipped else ""
        raise UserError(f"{path} holds no usable row{found}; give a STEAD CSV file")
    table = TraceTable(
        name=np.array(text["name"]),
        earthquake=np.frombuffer(earthquakes, bool),
        p_sample=np.array(numbers["p"]),
        s_sample=np.array(numbers["s"]),
        coda_end=np.array(numbers["coda"]),
        snr_db=np.array(numbers["snr"]).reshape(-1, 3),
        event=np.array(text["event"]),
        station=np.array(text["station"]),
        magnitude=np.array(numbers["magnitude"]),
        distance_km=np.array(numbers["distance"]),
        start_time=np.array(text["start_time"]),
    )
    return table, skipped, first


def _rows(path: Path) -> Iterator[tuple[int, list[str] | None]]:
    """(line number, the fields READ) of every row; an absent column or a literal None is the empty text.

    The fields are None where a row has too few or too many. UserError for a file that is not such a CSV.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            missing = [column for column in REQUIRED if column not in header]
            if missing:
                raise UserError(f"{path} has no column {', '.join(missing)}: not a STEAD CSV file")
            positions = [header.index(column) if column in header else len(header) for column in READ]
            for row in reader:
                if len(row) == len(header):
                    row.append("")  # what an absent column reads
                    fields = [row[position] for position in positions]
                    yield reader.line_num, ["" if field in ABSENT else field for field in fields]
                elif row:
                    yield reader.line_num, None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file ({error})") from error


def number(text: str) -> float:
    """ "2896.0" or "[[2896.]]" -> 2896.0; NaN for anything that is not one number."""
    try:
        return float(text.strip("[] "))
    except ValueError:
        return np.nan


def three_numbers(text: str) -> list[float]:
    """ "[56.8 55.4 47.4]" -> three numbers; a single one stands for all three; otherwise three NaN."""
    values = [number(part) for part in text.strip("[] ").split()]
    return values if len(values) == 3 else values * 3 if len(values) == 1 else [np.nan] * 3


def _wrong_arrivals(p: float, s: float) -> str:
    """Why an earthquake's arrivals cannot be used, or the empty text."""
    if np.isnan(p) or np.isnan(s):
        return "earthquake without P or S"
    if not (0 <= p < SAMPLES and 0 <= s < SAMPLES):
        return "arrival outside the window"
    return "" if p < s else "S not after P"


def _must_exist(path: Path, kind: str) -> None:
    if not path.is_file():
        raise UserError(f"{path} does not exist; give the {kind} file of a STEAD data set")

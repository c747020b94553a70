"""Writing a STEAD pair of files: waveforms in HDF5, with what is known about them as attributes and in a CSV."""

from __future__ import annotations

import csv as csv_format
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.hdf5_writer import TraceFile
from minieqt.data.stead_csv import COLUMNS
from minieqt.errors import UserError
from minieqt.files import atomic_write

Array = Any
Row = dict[str, Any]  # column -> text, number or array; a column that is not there is empty


def pair_of_files(name: Path, overwrite: bool) -> tuple[Path, Path]:
    """NAME.hdf5 and NAME.csv. UserError if one is there and is not to be replaced."""
    hdf5, csv = (name.with_name(f"{name.name}.{suffix}") for suffix in ("hdf5", "csv"))
    for path in (hdf5, csv):
        if path.exists() and not overwrite:
            raise UserError(f"{path} is already there: replace it with --overwrite, or give another --out")
    return hdf5, csv


def write_windows(hdf5: Path, csv: Path, windows: Iterable[tuple[Row, Array]]) -> None:
    """Write rows and windows (3, 6000) as STEAD's pair of files; both appear when they are complete, or neither.

    OSError, with the file's name, where the disk is full or not to be written to.
    """
    for path in (hdf5, csv):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(csv) as partial_csv, atomic_write(hdf5) as partial_hdf5:  # the CSV appears last
        with TraceFile(partial_hdf5) as file, open(partial_csv, "w", newline="", encoding="utf-8") as table:
            lines = csv_format.writer(table)
            lines.writerow(COLUMNS)
            for row, x in windows:
                attributes = {column: row.get(column, "") for column in COLUMNS}
                file.add(row["trace_name"], np.stack(list(x), axis=-1), attributes)
                lines.writerow(map(_csv_field, attributes.values()))


def _csv_field(value: Any) -> str:
    """As STEAD writes it: snr_db as [56.8 55.4 47.4], coda_end_sample as [[2896.]]."""
    if not isinstance(value, np.ndarray):
        return str(value)
    return f"[{' '.join(map(str, value.tolist()))}]" if value.ndim == 1 else f"[[{value.item():.0f}.]]"

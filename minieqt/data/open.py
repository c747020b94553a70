"""A data set from the paths that a user names, whichever layout it has."""

from __future__ import annotations

import csv as csv_format
from collections.abc import Sequence
from pathlib import Path

from minieqt.data.seisbench_format import SeisBench, arrival_columns, open_seisbench
from minieqt.data.several import Several
from minieqt.data.stead import Stead
from minieqt.data.table import Dataset
from minieqt.errors import UserError

Paths = str | Path | Sequence[str | Path]


def open_dataset(data: Paths, csv: Paths = ()) -> Dataset:
    """Open STEAD files and SeisBench folders, one or several, as one data set.

    data: HDF5 files and folders; csv: the table of each of those files, or nothing where every file has one of its own
    name beside it. Rows left out are counted in `.skipped`. UserError for what cannot be used.
    """
    paths, tables = _several(data), _several(csv)
    files = [path for path in paths if not path.is_dir()]
    tables = tables or [path.with_suffix(".csv") for path in files]
    if not paths or len(files) != len(tables):
        raise UserError(
            f"{len(files)} HDF5 files need as many CSV files, in the same order, and not {len(tables)} "
            "(the folder of a SeisBench data set needs none)"
        )
    table = iter(tables)
    parts = [open_seisbench(path) if path.is_dir() else _open_pair(path, next(table)) for path in paths]
    return parts[0] if len(parts) == 1 else Several(parts)


def _several(paths: Paths) -> list[Path]:
    return [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]


def _open_pair(hdf5: Path, csv: Path) -> Dataset:
    """STEAD's files, or one chunk of SeisBench's layout, whose arrivals stand in columns of other names."""
    if hdf5.is_file() and csv.is_file():
        with open(csv, newline="", encoding="utf-8-sig", errors="replace") as file:
            try:
                columns = next(csv_format.reader(file), [])
            except csv_format.Error as error:
                raise UserError(f"{csv} is not a CSV file ({error})") from error
        if "p_arrival_sample" not in columns and arrival_columns(columns):
            return SeisBench(hdf5, csv)
    return Stead(hdf5, csv)

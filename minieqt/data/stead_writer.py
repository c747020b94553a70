"""Writing a STEAD pair of files: waveforms in HDF5, with what is known about them as attributes and in a CSV."""

from __future__ import annotations

import csv as csv_format
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EIO
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.stead_csv import COLUMNS
from minieqt.errors import UserError
from minieqt.files import replacing

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
    with replacing(hdf5) as partial_hdf5, replacing(csv) as partial_csv:
        with _new_hdf5(partial_hdf5) as file, open(partial_csv, "w", newline="", encoding="utf-8") as table:
            group, lines = file.create_group("data"), csv_format.DictWriter(table, COLUMNS, restval="")
            lines.writeheader()
            for row, x in windows:
                dataset = group.create_dataset(row["trace_name"], data=np.ascontiguousarray(x.T))
                for column in COLUMNS:
                    _write_attribute(dataset, column, row.get(column, ""))
                lines.writerow({column: _csv_field(value) for column, value in row.items()})


@contextmanager
def _new_hdf5(path: Path) -> Iterator[Any]:
    """A new HDF5 file, to write into. What h5py cannot write or close is an OSError with the file's name.

    h5py names neither file nor cause, and says the same once more, in other words, when the file is closed.
    """
    import h5py

    file = h5py.File(path, "w")
    try:
        yield file
        try:
            file.close()
        except RuntimeError as error:
            raise OSError(EIO, os.strerror(EIO), str(path)) from error
    except OSError as error:
        if error.filename is not None:  # whoever failed has said where
            raise
        number = error.errno or EIO
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        with suppress(OSError, RuntimeError):
            file.close()


def _csv_field(value: Any) -> str:
    """As STEAD writes it: snr_db as [56.8 55.4 47.4], coda_end_sample as [[2896.]]."""
    if not isinstance(value, np.ndarray):
        return str(value)
    return f"[{' '.join(map(str, value.tolist()))}]" if value.ndim == 1 else f"[[{value.item():.0f}.]]"


def _write_attribute(dataset: Any, name: str, value: Any) -> None:
    """dataset.attrs[name] = value by the low-level interface: 35 attributes would cost more than the waveform."""
    from h5py import h5a

    if isinstance(value, np.ndarray):
        dataset.attrs[name] = value
        return
    scalar, *types = _attribute_types()
    dtype, in_file, in_memory = types[0] if isinstance(value, str) else types[1]
    h5a.create(dataset.id, name.encode(), in_file, scalar).write(np.array(value, dtype), mtype=in_memory)


@cache
def _attribute_types() -> tuple[Any, Any, Any]:
    """What HDF5 calls a single value; and text, and a number: for NumPy, in the file, in memory."""
    from h5py import h5s, h5t, string_dtype

    text = string_dtype()
    return (
        h5s.create(h5s.SCALAR),
        (text, h5t.py_create(text, logical=True), h5t.py_create(text)),
        (np.float64, h5t.IEEE_F64LE, h5t.NATIVE_DOUBLE),
    )

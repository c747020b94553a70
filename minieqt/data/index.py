"""The index of a STEAD data set: its table, and at which byte of the HDF5 file each trace begins.

STEAD's traces are stored in one piece, so that with their places known they can be read without HDF5, ten times as
fast. Making the index takes a pass over both files; that of a large data set is kept in the user's cache, under the
sizes and times of the two files, so that a file that has changed is indexed anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.stead_csv import read_csv
from minieqt.data.table import COMPONENTS, RATE, SAMPLES, TEXT, TraceTable
from minieqt.errors import UserError
from minieqt.files import atomic_write
from minieqt.kernels import kernel_module

Array = Any

VERSION = 6  # of the stored index; one more whenever the rules for its contents change
WORTH_KEEPING = 10_000  # traces: fewer are indexed within a second or two
BYTES = 4 * COMPONENTS * SAMPLES  # of a trace
NOT_IN_HDF5 = "in the CSV but not in the HDF5 file"
FLAT = ("data", "data")  # the groups of noise and of earthquakes
TREE = ("non_earthquake/noise", "earthquake/local")


@dataclass(frozen=True)
class Index:
    """What one pass over a STEAD pair of files finds out."""

    table: TraceTable
    rate: Array  # (N,) float64, Hz; what the traces are stored at
    start: Array  # (N,) int64, each trace's first byte in the HDF5 file; -1: read it through HDF5
    groups: tuple[str, str]  # of noise and of earthquakes
    skipped: dict[str, int]  # reason -> rows of the CSV left out
    first: dict[str, str]  # reason -> name of the first of them


def index_of(hdf5: Path, csv: Path) -> Index:
    """The index of a pair of files, kept or made anew. UserError for files that cannot be used."""
    key = _key(hdf5, csv)
    folder = kernel_module("user_cache").user_cache()
    path = None if folder is None else folder / f"index-{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    index = None if path is None else _load(path)
    if index is None:
        index = make_index(hdf5, csv)
        if path is not None and len(index.table) >= WORTH_KEEPING:
            _keep(path, index)
    return index


def _key(*paths: Path) -> str:
    """What an index depends on."""
    states = [(str(path.resolve()), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in paths]
    return json.dumps([VERSION, states])


# -- making it ---------------------------------------------------------------------------------------------


def make_index(hdf5: Path, csv: Path) -> Index:
    """Read the CSV and find every trace in the HDF5 file."""
    table, rate, skipped, first = read_csv(csv)
    try:
        with open_hdf5(hdf5) as file:
            groups = FLAT if "data" in file else TREE
            if not any(group in file for group in groups):
                raise UserError(f"{hdf5} has neither the group data nor {' and '.join(reversed(TREE))}: not STEAD")
            start, present = _find(file, groups, table, hdf5.stat().st_size)
    except RuntimeError as error:  # of h5py, where the file's own structure is broken
        raise UserError(f"{hdf5} is damaged ({error})") from error
    start[rate != RATE] = -1  # to be resampled
    if not present.all():
        missing = table.name[~present]
        if not present.any():
            raise UserError(
                f"none of the {len(missing)} traces of {csv} is in {hdf5} (first missing: {missing[0]}); "
                "give the CSV file that belongs to this HDF5 file"
            )
        skipped[NOT_IN_HDF5], first[NOT_IN_HDF5] = len(missing), str(missing[0])
        table, rate, start = table.take(present), rate[present], start[present]
    return Index(table, rate, start, groups, skipped, first)


def open_hdf5(path: Path) -> Any:
    """The file, open for reading. UserError if it is none, or cut short."""
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path} cannot be opened as HDF5 ({error}); is the download complete?") from error


def _find(file: Any, groups: tuple[str, str], table: TraceTable, size: int) -> tuple[Array, Array]:
    """Each trace's first byte, -1 where it is not 6000 × 3 float32 in one piece; and is it there at all?"""
    from h5py import h5d
    from tqdm import tqdm

    start, present = np.full(len(table), -1, np.int64), np.zeros(len(table), bool)
    folders = [file[group].id if group in file else None for group in groups]
    names = zip(table.name.tolist(), table.earthquake.tolist(), strict=True)
    for i, (name, earthquake) in enumerate(tqdm(names, "index", len(table), delay=2, disable=not sys.stderr.isatty())):
        try:
            trace = h5d.open(folders[earthquake], name.encode()) if folders[earthquake] else None
        except (KeyError, TypeError):
            trace = None
        if trace is None:
            continue
        present[i] = True
        begin = trace.get_offset()  # None where the trace is stored in chunks, or not at all
        if (
            begin is not None
            and begin % 4 == 0
            and begin + BYTES <= size
            and trace.get_space().get_simple_extent_dims() == (SAMPLES, COMPONENTS)
            and _is_float32(trace.get_type())
        ):
            start[i] = begin
    return start, present


def _is_float32(kind: Any) -> bool:
    """Whether an HDF5 type is NumPy's <f4. Converting it to a NumPy type would take as long as the rest of a trace."""
    from h5py import h5t

    return kind.get_class() == h5t.FLOAT and kind.get_size() == 4 and kind.get_order() == h5t.ORDER_LE


# -- keeping it --------------------------------------------------------------------------------------------


def _keep(path: Path, index: Index) -> None:
    """Store the index; where there is no room for it, it is made again the next time."""
    arrays = {field.name: getattr(index.table, field.name) for field in fields(TraceTable)}
    arrays = {name: np.strings.encode(a) if a.dtype == TEXT else a for name, a in arrays.items()}
    rest = json.dumps([index.groups, index.skipped, index.first])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial, open(partial, "wb") as file:
            np.savez(file, _rate=index.rate, _start=index.start, _rest=np.array(rest), **arrays)
    except OSError as error:
        print(f"the index is not kept: {error}", file=sys.stderr)


def _load(path: Path) -> Index | None:
    """The index kept under this name; None if there is none, or if it cannot be read."""
    try:
        with np.load(path) as kept:
            groups, skipped, first = json.loads(str(kept["_rest"]))
            columns = {field.name: kept[field.name] for field in fields(TraceTable)}
            rate, start = kept["_rate"], kept["_start"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    decode: Callable[[Array], Array] = lambda a: np.strings.decode(a).astype(TEXT) if a.dtype.kind == "S" else a  # noqa: E731
    table = TraceTable(**{name: decode(a) for name, a in columns.items()})
    return Index(table, rate, start, tuple(groups), skipped, first)

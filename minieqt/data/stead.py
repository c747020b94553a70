"""STEAD: HDF5 files of waveforms, and CSV files of what is known about them.

Waveforms stand under `data/<trace_name>`, in an older tree under `earthquake/local/` and `non_earthquake/noise/`;
each is (6000, 3), columns E N Z, 100 Hz. Those stored in one piece (all of STEAD's own) are read at their places in the
file, which is mapped into memory; chunked, compressed or converted ones through HDF5. Data sets of others in this
layout may say another rate in the CSV, and have as many samples as they like: these are resampled. A trace of one
component is a vertical.
Mousavi et al. 2019, IEEE Access 7, "STanford EArthquake Dataset (STEAD)".
"""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from minieqt import backend
from minieqt.data.index import BYTES, index_of, open_hdf5
from minieqt.data.resample import resample
from minieqt.data.stead_csv import read_columns
from minieqt.data.table import COMPONENTS, RATE, SAMPLES, BadTrace, as_window, describe, read_each
from minieqt.errors import UserError
from minieqt.kernels import kernel_module

Array = Any

ADVICE = hasattr(mmap, "MADV_RANDOM")  # Windows takes none

_OPENING = threading.Lock()


class Stead:
    """A STEAD data set: `table`, `read(row)`, and what was left out (`skipped`, in words `report()`).

    The HDF5 file is opened when first read, once per process, so that a data set may be sent to worker processes.
    """

    def __init__(self, hdf5: Path, csv: Path):
        self.hdf5, self.csv = hdf5, csv
        self._file: Any = None
        self._mapped: Any = None  # the file, as long as it is mapped
        self._map: Any = None
        self._process = 0
        _must_exist(hdf5, "HDF5")
        _must_exist(csv, "CSV")
        self._state = _state(os.stat(hdf5))
        index = index_of(hdf5, csv)
        self.table, self.skipped, self._first = index.table, index.skipped, index.first
        self._rate, self._start, self._groups = index.rate, index.start, index.groups

    def __len__(self) -> int:
        return len(self.table)

    def read(self, row: int) -> Array:
        """(3, 6000) float32, E N Z, at 100 Hz, otherwise as recorded.

        BadTrace for a wrong shape, NaN, infinity or an unreadable trace.
        """
        name = str(self.table.name[row])
        if self._start[row] >= 0:
            return as_window(name, self._words()[self._start[row] // 4 :][: BYTES // 4].reshape(-1, 3))
        try:
            samples = np.asarray(self._open()[f"{self._groups[bool(self.table.earthquake[row])]}/{name}"][()])
        except (KeyError, OSError, RuntimeError, TypeError) as error:
            raise BadTrace(name, "unreadable", f"cannot be read from {self.hdf5}: {error}") from error
        if samples.ndim == 1 or samples.shape[1:] == (1,):  # one component: the vertical
            samples = np.pad(samples.reshape(-1, 1), ((0, 0), (2, 0)))
        if (rate := self._rate[row]) != RATE:
            samples = window_at_100_hz(name, samples, rate)
        return as_window(name, samples)

    def read_into(self, rows: Array, out: Array) -> dict[int, BadTrace]:
        """out[i] = read(rows[i]), out (N, 3, 6000) float32; {i: why} for traces that cannot be used."""
        start = self._start[rows]
        if (start < 0).all() or backend.mode() == "readable":
            return read_each(self.read, rows, out)
        words = self._words()
        for begin in start[start >= 0].tolist():  # so that the system can fetch all of them, in the best order
            page = begin - begin % mmap.PAGESIZE
            if ADVICE:
                self._map.madvise(mmap.MADV_WILLNEED, page, begin + BYTES - page)
        finite = np.zeros(len(rows), bool)
        kernel_module("augment.gather").gather(words, np.where(start < 0, -1, start // 4), out, finite)
        # One by one: what must be read through HDF5, and bad traces, for their reasons.
        rest = np.flatnonzero(~finite)
        window = np.empty((1, *out.shape[1:]), np.float32)
        bad = {}
        for i in rest.tolist():
            reasons = read_each(self.read, rows[i : i + 1], window)
            if reasons:
                bad[i] = reasons[0]
            else:
                out[i] = window[0]
        return bad

    def report(self) -> str:
        """One line on the rows left out, or the empty text if there are none."""
        if not self.skipped:
            return ""
        return f"{self.csv}: {sum(self.skipped.values())} rows left out: {describe(self.skipped, self._first)}"

    def columns(self, *names: str) -> dict[str, list[str]]:
        """{trace name: what stands in columns of the CSV}."""
        return read_columns(self.csv, names)

    def close(self) -> None:
        """Close the HDF5 file; reading opens it again."""
        if self._file is not None and self._process == os.getpid():
            self._file.close()
        if self._mapped is not None:
            self._mapped.close()
        self._file = self._map = self._mapped = None

    def __enter__(self) -> Stead:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None, "_map": None, "_mapped": None}

    def _words(self) -> Array:
        """The file, mapped into memory, as float32. UserError if it has changed: traces may stand elsewhere now."""
        with _OPENING:
            if self._mapped is None:
                self._mapped = open(self.hdf5, "rb")
            if _state(os.fstat(self._mapped.fileno())) != self._state:
                raise UserError(f"{self.hdf5} has changed since it was opened; start again")
            if self._map is None:
                self._map = mmap.mmap(self._mapped.fileno(), 0, access=mmap.ACCESS_READ)
                if ADVICE:
                    self._map.madvise(mmap.MADV_RANDOM)  # traces come in any order: reading ahead is of no use
            return np.frombuffer(self._map, "<f4", len(self._map) // 4)

    def _open(self) -> Any:
        """The open file; one handle for each process, as HDF5 cannot share one across a fork."""
        with _OPENING:
            if self._file is None or self._process != os.getpid():
                self._file, self._process = open_hdf5(self.hdf5), os.getpid()
            return self._file


def window_at_100_hz(name: str, samples: Array, rate: float) -> Array:
    """(N, 3) as stored at `rate` Hz -> (6000, 3) at 100 Hz: its first minute, zeros behind what is shorter."""
    if samples.ndim != 2 or samples.shape[1] != COMPONENTS or not len(samples) or samples.dtype.kind not in "fiu":
        raise BadTrace(name, "wrong shape", f"has shape {samples.shape}, wanted (N, {COMPONENTS})")
    with np.errstate(over="ignore", invalid="ignore"):  # `as_window` finds what is not finite
        minute = resample(samples[: int(np.ceil(SAMPLES * rate / RATE)) + 1].T, rate)[:, :SAMPLES]
    window = np.zeros((SAMPLES, COMPONENTS), minute.dtype)
    window[: minute.shape[1]] = minute.T
    return window


def _state(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns


def _must_exist(path: Path, kind: str) -> None:
    if not path.is_file():
        raise UserError(f"{path} does not exist; give the {kind} file of a STEAD data set")

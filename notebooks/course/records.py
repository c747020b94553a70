"""The seismograms of the course: one real record that ObsPy brings along, and as many synthetic ones as are wanted."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data import open_dataset
from minieqt.data.synthetic import earthquake_windows
from minieqt.data.table import Dataset
from minieqt.training.run import synthetic

Array = Any

EXAMPLE_ARRIVALS = {"P": 470.0, "S": 566.0}  # samples from the record's start, read by eye
STEAD = "MINIEQT_STEAD"  # the path of a data set that `open_dataset` knows, such as merged.hdf5
WINDOWS = 400  # of the synthetic one
DATA = Path(__file__).resolve().parents[2] / "data"  # where train.py, too, puts its synthetic STEAD


def example_record() -> tuple[Array, dict[str, float]]:
    """A small earthquake in Bavaria, 2009-08-24 00:20:03 UTC, station BW.RJOB: 30 s of it at 100 Hz.

    Returns x (3, 3000) float64, components E, N, Z in counts, and {"P": sample, "S": sample}.
    """
    import obspy

    traces = {trace.stats.channel[-1]: trace.data for trace in obspy.read()}
    return np.stack([traces[component] for component in "ENZ"]).astype(np.float64), dict(EXAMPLE_ARRIVALS)


def synthetic_windows(count: int, seed: int = 0) -> tuple[Array, Array]:
    """Earthquakes of synthetic regions: x (count, 3, 6000) float32 in counts, arrivals (count, 2), P and S."""
    windows = list(islice(earthquake_windows(seed), count))
    arrivals = [(row["p_arrival_sample"], row["s_arrival_sample"]) for row, _ in windows]
    return np.stack([x for _, x in windows]), np.array(arrivals, np.float64)


def course_data() -> Dataset:
    """The data set that MINIEQT_STEAD names; without it, a small synthetic STEAD."""
    if os.environ.get(STEAD):
        return open_dataset(os.environ[STEAD])
    with redirect_stdout(io.StringIO()):  # it says what it makes, but only where it is not there yet
        return open_dataset(*synthetic(WINDOWS, 0, DATA))


def ten_minutes(dataset: Dataset, seed: int = 1) -> tuple[Array, dict[str, list[float]]]:
    """A record of ten minutes from windows of a data set: noise and a loud earthquake in turn, five times.

    Windows are brought to one noise level, faded out at both ends and put one behind the other. Returns
    x (3, 60000) float64, components E, N, Z, and the samples of the arrivals, {"P": [...], "S": [...]}.
    """
    table, rng = dataset.table, np.random.default_rng(seed)
    loud, quiet = (
        [row for row in rng.permutation(np.flatnonzero(kind))[:50] if is_alive(dataset.read(int(row)))]
        for kind in (table.earthquake & (table.snr_db.min(axis=1) > 15), ~table.earthquake)
    )
    rows = np.where(np.arange(10) % 2, rng.choice(loud, 10), rng.choice(quiet, 10))
    fade = np.minimum(1, np.minimum(np.arange(6000), np.arange(6000)[::-1]) / 200)
    pieces, arrivals = [], {"P": [], "S": []}
    for i, row in enumerate(rows):
        x = centred(dataset.read(int(row)))
        pieces.append(100 * fade * x / np.median(abs(x), axis=1, keepdims=True))
        if table.earthquake[row]:
            arrivals["P"].append(6000 * i + table.p_sample[row])
            arrivals["S"].append(6000 * i + table.s_sample[row])
    return np.concatenate(pieces, axis=1), arrivals


def centred(x: Array) -> Array:
    """x (3, N) float64, its mean subtracted from each component."""
    return x - x.mean(axis=1, keepdims=True, dtype=np.float64)


def is_alive(x: Array) -> bool:
    """Whether every component of x (3, N) records all the time: none is dead, or stands still for half a second."""
    moves = np.lib.stride_tricks.sliding_window_view(np.diff(x) != 0, 50, axis=1).any(axis=2)
    return bool((np.median(abs(centred(x)), axis=1) > 1e-6 * abs(x).max()).all() and moves.all())

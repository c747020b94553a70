"""The seismograms of the course: one real record that ObsPy brings along, and as many synthetic ones as are wanted."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data import open_dataset
from minieqt.data.synthetic import earthquake_windows, make_region, write_stead
from minieqt.data.table import Dataset

Array = Any

EXAMPLE_ARRIVALS = {"P": 470.0, "S": 566.0}  # samples from the record's start, read by eye
STEAD = "MINIEQT_STEAD"  # names a STEAD file; its table stands beside it, with the ending .csv


def example_record() -> tuple[Array, dict[str, float]]:
    """A small earthquake in Bavaria, 2009-08-24 00:20:03 UTC, station BW.RJOB: 30 s of it at 100 Hz.

    Returns x (3, 3000) float64, components E, N, Z in counts, and {"P": sample, "S": sample}.
    """
    import obspy

    traces = {trace.stats.channel[-1]: trace.data for trace in obspy.read()}
    return np.stack([traces[component] for component in "ENZ"]).astype(np.float64), dict(EXAMPLE_ARRIVALS)


def synthetic_windows(count: int, seed: int = 0) -> tuple[Array, Array]:
    """Earthquakes of the synthetic region: x (count, 3, 6000) float32 in counts, arrivals (count, 2), P and S."""
    windows = list(islice(earthquake_windows(seed, *make_region(seed)), count))
    arrivals = [(row["p_arrival_sample"], row["s_arrival_sample"]) for row, _ in windows]
    return np.stack([x for _, x in windows]), np.array(arrivals, np.float64)


def course_data(folder: Path | str, count: int, seed: int = 0) -> Dataset:
    """The STEAD files that MINIEQT_STEAD names; without it, a synthetic STEAD of `count` windows, made in `folder`."""
    if os.environ.get(STEAD):
        hdf5 = Path(os.environ[STEAD])
        return open_dataset(hdf5, hdf5.with_suffix(".csv"))
    hdf5, csv = Path(folder) / f"synthetic{count}.hdf5", Path(folder) / f"synthetic{count}.csv"
    if not csv.exists():
        write_stead(hdf5, csv, count, seed)
    return open_dataset(hdf5, csv)

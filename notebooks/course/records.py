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

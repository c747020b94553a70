"""Small data sets: a synthetic one for the session, and one made to order, flaws and all."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.data.stead_writer import write_windows
from minieqt.data.synthetic import write_stead


@pytest.fixture(scope="session")
def synthetic_files(tmp_path_factory):
    """The paths of 40 synthetic windows, 12 of them noise."""
    folder = tmp_path_factory.mktemp("synthetic")
    paths = folder / "small.hdf5", folder / "small.csv"
    write_stead(*paths, count=40, seed=7)
    return paths


@pytest.fixture
def dataset(synthetic_files):
    with open_dataset(*synthetic_files) as dataset:
        yield dataset


@pytest.fixture
def write(tmp_path, rng):
    """write({name: changes}) -> paths of a data set of such traces: earthquakes (_EV) and noise (_NO) that are sound
    but for the changes, columns of the CSV or `samples` (6000, 3)."""

    def write(traces):
        windows = []
        for name, changes in traces.items():
            row = {"trace_name": name, "trace_category": "noise"}
            if name.endswith("_EV"):
                row |= {"trace_category": "earthquake_local", "p_arrival_sample": 700.0, "s_arrival_sample": 1200.0}
                row |= {"coda_end_sample": np.array([[1900.0]]), "snr_db": np.array([30.0, 31.0, 32.0])}
            row |= changes
            samples = row.pop("samples", rng.standard_normal((6000, 3)).astype(np.float32))
            windows.append((row, samples.T))
        paths = tmp_path / "small.hdf5", tmp_path / "small.csv"
        write_windows(*paths, windows)
        return paths

    return write

"""One small synthetic data set, and the released network, for all tests of this folder."""

from __future__ import annotations

import pytest

from minieqt.data import open_dataset
from minieqt.data.synthetic import write_stead
from minieqt.weights import load_weights


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory):
    """The paths of 30 synthetic windows, 9 of them noise."""
    folder = tmp_path_factory.mktemp("evaluation")
    paths = folder / "small.hdf5", folder / "small.csv"
    write_stead(*paths, count=30, seed=11)
    return paths


@pytest.fixture
def dataset(synthetic):
    with open_dataset(*synthetic) as dataset:
        yield dataset


@pytest.fixture(scope="session")
def released(shared):
    """The published conservative network."""
    return load_weights(shared / "weights" / "eqt_conservative.npz")

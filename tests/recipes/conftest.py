"""A small synthetic data set in place of the real ones."""

from __future__ import annotations

import pytest

from minieqt.data import open_dataset
from minieqt.data.synthetic import write_stead


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    write_stead(folder / "small.hdf5", folder / "small.csv", 60, seed=4, noise_fraction=0.4)
    with open_dataset(folder / "small.hdf5") as dataset:
        yield dataset

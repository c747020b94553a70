"""Fixtures for every test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minieqt.warmup import warm_up

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real seismograms, published weights and golden results; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real data and golden results is absent")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def kernels_on_disk(request: pytest.FixtureRequest) -> None:
    """Compile the kernels first: tests that compare one process with another want the same ones in both.

    Tests of a GPU alone (-m gpu) need none of the processor's."""
    if request.config.getoption("markexpr") != "gpu":
        warm_up()


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed: the same numbers in every run."""
    return np.random.default_rng(20201203)

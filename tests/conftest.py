"""Fixtures for every test."""

from __future__ import annotations

from pathlib import Path

import cupy_stand_in
import numpy as np
import pytest

from kernels.cuda import launch
from minieqt.device import require_gpus
from minieqt.errors import UserError
from minieqt.warmup import warm_up

# What a machine with a GPU often lacks. A file of tests that needs one of these is skipped there.
OPTIONAL = {"obspy", "threadpoolctl", "sklearn", "nbformat", "nbclient", "seisbench", "lxml", "distributed"}
SHARED = Path(__file__).resolve().parents[2] / "shared"


class Module(pytest.Module):
    """A file of tests, skipped where an optional package is missing that it cannot be imported without."""

    def collect(self):
        try:
            _ = self.obj
        except self.CollectError as error:
            missing = getattr(error.__cause__, "name", None)
            if missing and missing.split(".")[0] in OPTIONAL:
                pytest.skip(f"{missing.split('.')[0]} is not installed", allow_module_level=True)
            raise
        return super().collect()


def pytest_pycollect_makemodule(module_path, parent):
    """Every file of tests is such a Module."""
    return Module.from_parent(parent, path=module_path)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real seismograms, published weights and golden results; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with real data and golden results is absent")
    return SHARED


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the kernels first: tests that compare one process with another want the same ones in both.

    Once, before there are workers (-n). Tests of a GPU alone (-m gpu) need none of the processor's."""
    options = session.config.option
    if not (hasattr(session.config, "workerinput") or options.markexpr == "gpu" or options.collectonly):
        warm_up()


@pytest.fixture
def gpu():
    """CuPy on a real GPU; skips where there is none."""
    try:
        require_gpus(1)
    except UserError as error:
        pytest.skip(str(error))
    return pytest.importorskip("cupy")


@pytest.fixture
def pretended(monkeypatch):
    """CuPy's stand-in, whose kernels run on the host build."""
    yield cupy_stand_in.install(monkeypatch)
    launch.module.cache_clear()
    launch.on_device.cache_clear()


@pytest.fixture(params=["pretended", pytest.param("gpu", marks=pytest.mark.gpu)])
def cupy(request):
    """Either: what holds on a pretended GPU has to hold on a real one."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed: the same numbers in every run."""
    return np.random.default_rng(20201203)

"""The stand-in for CuPy has no name that CuPy has not; where CuPy is installed, which a GPU is not needed for."""

from __future__ import annotations

import inspect

import cupy_stand_in
import pytest


def names_of(thing):
    """What is public of a class or an object."""
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.fixture
def real():
    return pytest.importorskip("cupy", reason="its names are compared with CuPy's own, which is not installed")


def test_modules(real):
    stand_in = cupy_stand_in.CupyStandIn()
    for name in vars(stand_in.cuda):
        assert hasattr(real.cuda, name), f"cupy.cuda has no {name}"
    for name in vars(stand_in.cuda.runtime):
        assert hasattr(real.cuda.runtime, name), f"cupy.cuda.runtime has no {name}"


OWN = {  # what the tests ask a stand-in about itself
    "Stream": {"current", "entered", "follows", "noted", "non_blocking"},
    "Event": {"follows", "noted"},
    "ndarray": {"held"},
    "RawModule": {"source", "tensor_cores"},
}


@pytest.mark.parametrize("name", OWN)
def test_classes(real, name):
    stand_in = cupy_stand_in.CupyStandIn()
    pretended, right = (getattr(module, name, None) or getattr(module.cuda, name) for module in (stand_in, real))
    assert names_of(pretended) - OWN[name] <= names_of(right)
    made = set(inspect.signature(pretended.__init__).parameters) - {"self", "array"}
    assert all(parameter in (right.__doc__ or "") for parameter in made)


def test_graphs(real):
    assert {"launch"} <= names_of(real.cuda.Graph)

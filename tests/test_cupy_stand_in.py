"""The stand-in for CuPy has no name that CuPy has not, and refuses what CuPy refuses, with the same exceptions.

CuPy itself is asked where it is installed; a GPU is not needed for that. Without one its arrays lie in the processor's
memory here: they know what they will not do before they would have to do anything.
"""

from __future__ import annotations

import inspect

import cupy_stand_in
import numpy as np
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
    "RawModule": {"source", "products"},
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


# -- what is refused, and how ------------------------------------------------------------------------------------------

ONES = np.ones(6, np.float32)
REFUSED = {  # what minieqt must not do: (xp, x) -> nothing, the exception, its words. x (6,) float32 of the device
    "NumPy's function": (lambda xp, x: np.asarray(x), TypeError, "Implicit conversion to a NumPy array is not allowed"),
    "filled from the host": (lambda xp, x: x.__setitem__(slice(0, 6), ONES), ValueError, "non-scalar numpy.ndarray"),
    "filled from a list": (lambda xp, x: x.__setitem__(slice(0, 2), [1, 2]), ValueError, "non-scalar numpy.ndarray"),
    "joined with the host's": (lambda xp, x: xp.stack([x, ONES]), TypeError, "numpy.ndarray"),
    "a product with the host's": (lambda xp, x: x @ ONES, TypeError, "numpy.ndarray"),
    "copied from the host's": (lambda xp, x: xp.copyto(x, ONES), ValueError, "non-scalar numpy.ndarray"),
    "set from a list": (lambda xp, x: x.set([1.0] * 6), TypeError, "Only numpy.ndarray can be set"),
    "set from another type": (lambda xp, x: x.set(ONES.astype(float)), TypeError, "float64 array cannot be set"),
    "set from another shape": (lambda xp, x: x.set(ONES[:5]), ValueError, "Shape mismatch"),
    "a list of options": (lambda xp, x: xp.RawModule(code="", options=["-O"]), TypeError, "expected tuple, got list"),
    "a source by its place": (lambda xp, x: xp.RawModule("", ()), TypeError, "positional"),
}


def in_processor_memory(cupy):
    """An array of CuPy without a GPU."""
    memory = cupy.cuda.UnownedMemory(ONES.ctypes.data, ONES.nbytes, ONES, 0)
    return cupy.ndarray(ONES.shape, ONES.dtype, memptr=cupy.cuda.MemoryPointer(memory, 0))


@pytest.mark.parametrize("which", ["pretended", "real"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(request, name, which):
    xp = request.getfixturevalue(which)
    x = xp.asarray(ONES) if which == "pretended" else in_processor_memory(xp)
    what, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        what(xp, x)


@pytest.mark.parametrize("which", ["pretended", "real"])
def test_what_is_still_of_the_device(request, which):
    """A number, a slice and a view of an array are arrays of the device; its length and shape are the processor's."""
    xp = request.getfixturevalue(which)
    x = xp.asarray(ONES) if which == "pretended" else in_processor_memory(xp)
    assert all(isinstance(part, xp.ndarray) for part in (x[1], x[1:3], x[..., None], x.reshape(2, 3).T, x.ravel()))
    assert len(x) == 6 and x.shape == (6,) and x.dtype == np.float32 and x.nbytes == 24 and x.flags.c_contiguous
    assert xp.ascontiguousarray(x).shape == (6,) and type(x.size) is int


def test_exceptions(real):
    """What the code asks for by a general name."""
    assert issubclass(real.cuda.memory.OutOfMemoryError, MemoryError)
    assert issubclass(real.cuda.runtime.CUDARuntimeError, RuntimeError)

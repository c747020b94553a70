"""What is gained, told and refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.data.synthetic.write import write_stead
from minieqt.learning.before_after import Comparison, Gain, compare, describe, gain_of, worse
from minieqt.model import EQTransformer
from minieqt.weights import load_weights


def gained(value, low=0.0, high=0.0, what="held-back corrections"):
    return Comparison(what, 10, 8, [], Gain(value, low, high), Counter())


def test_what_is_refused():
    assert worse(gained(0.01), None) is None and worse(gained(0.0), None) is None
    assert worse(gained(-0.004), None) == "F1 on held-back corrections fell by 0.004"
    by_chance, surely = gained(-0.02, -0.05, 0.01, "old"), gained(-0.02, -0.05, -0.01, "old")
    assert worse(gained(0.1), by_chance) is None
    assert worse(gained(0.1), surely) == "F1 on old fell by 0.020 (0.010 to 0.050)"


def test_a_phase_without_arrivals_does_not_count(rng):
    p = rng.normal(size=101)
    assert gain_of([p, np.full(101, np.nan)]) == gain_of([p])
    assert gain_of([p, -p]) == Gain(0, 0, 0)
    assert np.isnan(gain_of([np.full(101, np.nan)] * 2).value)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """Thirty synthetic windows."""
    name = tmp_path_factory.mktemp("windows")
    write_stead(name / "set.hdf5", name / "set.csv", 30, 5)
    return open_dataset([name / "set.hdf5"])


def test_a_trained_network_against_one_that_knows_nothing(windows):
    rows = np.arange(len(windows))
    found = compare("windows", windows, rows, EQTransformer(seed=1), load_weights())
    assert found.gain.value > 0.3 and 0 < found.gain.low < found.gain.value < found.gain.high
    assert worse(found, None) is None
    back = compare("windows", windows, rows, load_weights(), EQTransformer(seed=1))
    assert back.gain.value == pytest.approx(-found.gain.value)
    told = describe(found)
    assert told.startswith(f"windows: 30 windows, {int(windows.table.earthquake.sum())} with an earthquake")
    assert told.count("before ") == told.count("after ") == 3
    (after,) = (r for r in found.rows if r["name"] == "after" and r["output"] == "P")
    assert f"{after['recall']:.3f} ({after['recall_low']:.3f} to {after['recall_high']:.3f})" in told


def test_the_same_network_twice(windows):
    found = compare("windows", windows, np.arange(8), load_weights(), load_weights())
    assert (found.gain.value, found.gain.low, found.gain.high) == (0, 0, 0)
    assert "with fewer than 20 earthquakes this says little" in describe(found)

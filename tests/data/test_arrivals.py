"""Which arrivals serve, and where an earthquake ends of which only one phase was picked."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.arrivals import usable_coda, wrong_arrivals

NONE = np.nan


@pytest.mark.parametrize("p, s", [(700, 1200), (0, 5999), (700, NONE), (NONE, 1200), (5999.5, NONE)])
def test_arrivals_that_serve(p, s):
    assert wrong_arrivals(p, s) == ""


@pytest.mark.parametrize(
    "p, s, reason",
    [
        (NONE, NONE, "earthquake without P and S"),
        (-1, NONE, "arrival outside the window"),
        (NONE, 6000, "arrival outside the window"),
        (700, np.inf, "arrival outside the window"),
        (700, 700, "S not after P"),
        (1200, 700, "S not after P"),
    ],
)
def test_arrivals_that_do_not(p, s, reason):
    assert wrong_arrivals(p, s) == reason


@pytest.mark.parametrize(
    "p, s, coda, end",
    [
        (700, 1200, 1900, 1900),
        (700, 1200, NONE, 1400),  # S + 0.4 (S − P)
        (700, 1200, 900, 1400),  # before S
        (700, 1200, 7000, 6000),
        (700, 5900, NONE, 6000),
        (700, NONE, 1900, 1900),
        (700, NONE, 600, 6000),
        (700, NONE, NONE, 6000),  # nobody knows: until the window's end
        (NONE, 1200, NONE, 6000),
        (NONE, 1200, 1900, 1900),
    ],
)
def test_where_the_shaking_ends(p, s, coda, end):
    assert usable_coda(p, s, coda) == end

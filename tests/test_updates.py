"""Updates in place: at once, or deferred to the end of a block, in order, by one call of each kind."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt import updates
from minieqt.updates import add_each, change, deferred_updates, update_running


def test_at_once():
    a, b = np.ones(3), np.zeros((2, 2))
    change(add_each, [(a, np.ones(3)), (b, np.full((2, 2), 4.0))])
    assert (a == 2).all() and (b == 4).all()
    change(update_running, [(a, np.full(3, 10.0))], 0.25)
    assert (a == 4).all()


def test_deferred(monkeypatch):
    """Inside nothing happens; at the end all of it, in order and in one call of each kind; after an error nothing."""
    a, b, mean = np.zeros(3), np.zeros(2), np.full(3, 0.5)
    calls = []

    def counted(like, arrays, values):
        calls.append(len(arrays))
        add_each(like, arrays, values)

    with deferred_updates():
        change(counted, [(a, np.ones(3))])
        change(update_running, [(mean, np.full(3, 1.5))], 0.5)
        change(counted, [(b, np.full(2, 4.0))])
        assert not a.any() and not b.any() and (mean == 0.5).all() and not calls
    assert (a == 1).all() and (b == 4).all() and (mean == 1).all() and calls == [2]

    with pytest.raises(ZeroDivisionError), deferred_updates():
        change(add_each, [(a, np.ones(3))])
        raise ZeroDivisionError
    assert (a == 1).all() and updates._waiting.get() is None

"""The data set in memory: read once, equal but for float16."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data import Augmentation, Loader, normalise, open_dataset
from minieqt.data.in_memory import InMemory
from minieqt.data.table import BadTrace


def test_windows_are_those_of_the_files_but_for_float16(dataset):
    kept = InMemory(dataset)
    rows = np.array([3, 0, 17, 3])
    out = np.empty((4, 3, 6000), np.float32)
    for _ in range(2):
        assert kept.read_into(rows, out) == {}
        for row, x in zip(rows, out, strict=True):
            raw = dataset.read(row)
            centred = raw - raw.mean(axis=-1, keepdims=True)
            np.testing.assert_allclose(x, centred, rtol=6e-4, atol=1e-6 * np.abs(centred).max())
            np.testing.assert_allclose(normalise(x), normalise(raw), atol=0.01)
            np.testing.assert_array_equal(kept.read(row), x)


def test_each_trace_is_read_once(dataset, monkeypatch):
    asked = []
    read_into = dataset.read_into
    monkeypatch.setattr(dataset, "read_into", lambda rows, out: asked.extend(rows) or read_into(rows, out))
    loader = Loader(InMemory(dataset), np.arange(40), 8, augmentation=Augmentation(), threads=2)
    first = [batch.x for batch in loader.epoch(0)]
    again = [batch.x for batch in loader.epoch(0)]
    assert sorted(asked) == list(range(40))
    for one, other in zip(first, again, strict=True):  # the first reading gives what later ones give
        np.testing.assert_array_equal(one, other)


def test_bad_traces_stay_bad(write):
    with open_dataset(*write({"A.XX_1_EV": {}, "A.XX_2_EV": {"samples": np.full((6000, 3), np.nan)}})) as dataset:
        kept = InMemory(dataset)
        for _ in range(2):
            reasons = kept.read_into(np.arange(2), np.empty((2, 3, 6000), np.float32))
            assert {i: reason.reason for i, reason in reasons.items()} == {1: "NaN or infinity"}
        with pytest.raises(BadTrace):
            kept.read(1)
        assert len(kept) == 2 and kept.report() == ""

"""history.csv: numbers in full, and a trip through an array changes none of them."""

from __future__ import annotations

import csv

import numpy as np

from minieqt.training.history import COLUMNS, History


def example():
    history = History()
    history.add(epoch=1, learning_rate=1e-3, loss=0.1 + 0.2, penalty=1 / 3, validation_loss=2 / 3)
    history.add(epoch=2, learning_rate=1e-3, loss=5e-324, penalty=1e300, validation_loss=0.1)
    return history


def test_every_bit_is_in_the_file(tmp_path):
    example().write(tmp_path / "history.csv")
    header, *rows = csv.reader(open(tmp_path / "history.csv"))
    assert tuple(header) == COLUMNS
    assert rows[0][0] == "1"
    np.testing.assert_array_equal(np.array(rows, float), example().array())  # NaN is NaN here


def test_through_an_array_and_back(tmp_path):
    again = History(example().array())
    np.testing.assert_array_equal(again.array(), example().array())
    again.write(tmp_path / "again.csv")
    example().write(tmp_path / "history.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "history.csv").read_bytes()


def test_empty():
    assert History().array().shape == (0, len(COLUMNS))
    assert len(History(History().array())) == 0


def test_column():
    assert example().column("validation_loss") == [2 / 3, 0.1]

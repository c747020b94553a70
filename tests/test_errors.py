"""A user's error is one line, whatever it quotes."""

from __future__ import annotations

import pickle

from minieqt.data.table import describe
from minieqt.errors import UserError, counted


def test_one_line():
    error = UserError("row 'a\nb\x85c\u2028d' cannot be used")
    assert str(error) == "row 'a b c d' cannot be used" == str(pickle.loads(pickle.dumps(error)))
    assert describe({"bad": 2}, {"bad": "a\r\nb" + "c" * 200}) == "2 × bad (first a b" + "c" * 97 + ")"


def test_counts_in_words():
    assert counted({"P without S": 1200, "no time": 0, "dead": 1}) == "1,200 × P without S, 1 × dead"
    assert counted({}) == ""

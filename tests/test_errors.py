"""A user's error is one line, whatever it quotes."""

from __future__ import annotations

import pickle

from minieqt.data.table import describe
from minieqt.errors import UserError


def test_one_line():
    error = UserError("row 'a\nb\x85c\u2028d' cannot be used")
    assert str(error) == "row 'a b c d' cannot be used" == str(pickle.loads(pickle.dumps(error)))
    assert describe({"bad": 2}, {"bad": "a\r\nb" + "c" * 200}) == "2 × bad (first a b" + "c" * 97 + ")"

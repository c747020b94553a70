"""What a channel is."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.records.channel import components, split_channel, usable_rate


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("ENZ", {"E": "E", "N": "N", "Z": "Z"}),
        ("12Z", {"1": "N", "2": "E", "Z": "Z"}),
        ("23Z", {"2": "N", "3": "E", "Z": "Z"}),
        ("123", {"1": "Z", "2": "N", "3": "E"}),
        ("WSD", {"W": "E", "S": "N", "D": "Z"}),  # never heard of, but a direction each
        ("Z", {"Z": "Z"}),
        ("1", {"1": "N"}),
        ("EZ", {"E": "E", "Z": "Z"}),
        ("E1Z", {"E": "E", "1": "N", "Z": "Z"}),
        ("HZ", {"Z": "Z"}),
        ("2Z", {"2": "E", "Z": "Z"}),
        ("13", {"1": "Z", "3": "E"}),  # of three inputs the second is missing
        ("12", {"1": "N", "2": "E"}),
        ("UVW", {"U": "Z", "V": "N", "W": "E"}),
        ("ABC", {"A": "Z", "B": "N", "C": "E"}),
        ("RTZ", {"R": "N", "T": "E", "Z": "Z"}),
        ("XYZ", {"X": "E", "Y": "N", "Z": "Z"}),
        ("LTV", {"L": "N", "T": "E", "V": "Z"}),
    ],
)
def test_components(letters, expected):
    assert components(letters) == expected


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("HHZ", ("HH", "Z")), ("EW", ("", "E")), ("UD2", ("2", "U")), ("NS1", ("1", "N")), ("", ("",) * 2)],
)
def test_channel_names(channel, expected):
    assert split_channel(channel) == expected


def test_lower_case_is_the_same():
    assert split_channel("hhz") == ("HH", "Z") and split_channel("ew1") == ("1", "E")


@pytest.mark.parametrize("rate", [19.9998, 19.9999997, 20, 100, 1000, 10_000, 10_000.1])
def test_rates(rate):
    assert usable_rate(rate) and usable_rate(np.array([rate])).all()


@pytest.mark.parametrize("rate", [0, 1, 19.9, 10_100, 20_000])
def test_rates_of_no_use(rate):
    assert not usable_rate(rate) and not usable_rate(np.array([rate])).any()

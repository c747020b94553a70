"""Words for nothing, and numbers in the forms that tables give them."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.tables.missing import code, identifier, known, number, sample, three_numbers


@pytest.mark.parametrize(
    "text", [None, "", " ", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "null", "NULL", "None", "-", "NaT"]
)
def test_nothing_is_nothing(text):
    assert known(text) == identifier(text) == "" and np.isnan(number(text or "")) and np.isnan(sample(text or ""))


@pytest.mark.parametrize("text", ["0", "-2", "Nan Madol", "e1", "NAN1"])
def test_something_is_something(text):
    assert known(f" {text} ") == identifier(text) == text


def test_minus_one_is_no_event_and_no_sample_but_a_magnitude():
    assert identifier("-1") == "" and np.isnan(sample("-1")) and np.isnan(sample("-1.0")) and number("-1") == -1


@pytest.mark.parametrize("text", ["NA", "NIL", "NAT", "NULL", "NONE", "NAN"])
def test_a_word_in_capitals_is_a_code(text):
    assert code(f" {text} ") == text and code(text.lower()) == ""


@pytest.mark.parametrize("text", ["", "NaN", "<NA>", "N/A", "None", "--", "-", "?"])
def test_no_code(text):
    assert code(text) == ""


@pytest.mark.parametrize("text", ["2896.0", "2896", "[[2896.]]", "[[ 2896.]]", " 2896. ", "2.896e3"])
def test_one_number(text):
    assert number(text) == 2896


@pytest.mark.parametrize("text", ["None", "[[]]", "two", "1 2", "inf", "-999", "-9999.0", "-12345.0"])
def test_no_number(text):
    assert np.isnan(number(text))


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[56.8 55.4 47.4]", [56.8, 55.4, 47.4]),
        ("[56.8, 55.4, 47.4]", [56.8, 55.4, 47.4]),
        ("[65.         65.5        61.40000153]", [65, 65.5, 61.40000153]),
        ("[-1.5  0.  nan]", [-1.5, 0, np.nan]),
        ("19.4", [19.4] * 3),
        ("", [np.nan] * 3),
        ("[1. 2.]", [np.nan] * 3),
    ],
)
def test_three_numbers(text, expected):
    np.testing.assert_array_equal(three_numbers(text), expected)

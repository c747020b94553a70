"""What stands in a table where nothing is known: one list for every column of every table."""

from __future__ import annotations

import math

WORDS = ("", "na", "n/a", "#n/a", "#na", "<na>", "n.a.", "nan", "-nan", "nat", "null", "nil", "none", "-", "--", "?")
MISSING = frozenset(form for word in WORDS for form in (word, word.upper(), word.capitalize())) | {"NaN", "NaT", "-NaN"}
SENTINELS = frozenset(
    (-999.0, -9999.0, -99999.0, -999999.0, -12345.0)
)  # no quantity that is read here has such a value


def known(text: str | None) -> str:
    """The text without blanks around it; the empty text where it is a word for nothing."""
    text = (text or "").strip()
    return "" if text in MISSING or text.lower() in MISSING else text


def code(text: str | None) -> str:
    """A network's, station's or channel's code. A word in capitals is one: NA the network of the Caribbean Netherlands,
    NIL a station in Pakistan."""
    text = (text or "").strip()
    return text if text.isalpha() and text.isupper() else known(text)


NO_CODE = frozenset(form for form in MISSING if not code(form))


def identifier(text: str | None) -> str:
    """An event's name or number; -1 numbers none (GaMMA's picks that belong to no event)."""
    text = known(text)
    return "" if text in ("-1", "-1.0") else text


def number(text: str) -> float:
    """ "2896.0" or "[[2896.]]" -> 2896.0; NaN for anything that is not one finite number."""
    try:
        value = float(text.strip("[] \t"))
    except ValueError:
        return math.nan
    return value if -999 < value < math.inf or (math.isfinite(value) and value not in SENTINELS) else math.nan


def sample(text: str) -> float:
    """A sample of a trace; -1 stands for none."""
    value = number(text)
    return math.nan if value == -1 else value


def three_numbers(text: str) -> list[float]:
    """ "[56.8 55.4 47.4]" or "56.8, 55.4, 47.4" -> three numbers; one stands for all three; otherwise three NaN."""
    values = [number(part) for part in text.replace(",", " ").strip("[] \t").split()]
    return values if len(values) == 3 else values * 3 if len(values) == 1 else [math.nan] * 3

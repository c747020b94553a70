"""What a time in a table is: a text of many forms, a number of seconds or less since 1970, or digits without signs.

    2022-02-06T02:31:29.32Z   2022/2/6 2:31:29   2022-037T02:31:29   06/02/2022 02:31 (day first, or month first)
    1644114689.32 s   1644114689320 ms   1644114689320000 µs   1644114689320000000 ns
    20220206   202202060231   20220206023129.32   20220206023129320

All are UTC unless they say otherwise. A time outside 1900 to 2100 is none, nor is a number so small that it must count
something else, such as samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from minieqt.tables.missing import known

Array = Any

EPOCH = datetime(1970, 1, 1)
FIRST, LAST = 1900, 2100  # years
UNITS = ((10**10, 10**6), (10**13, 10**3), (10**16, 1), (10**19, Decimal("0.001")))  # numbers below it; µs of one
SMALLEST = 10**14  # µs since 1970: 1973; smaller numbers count something else

_CLOCK = (
    r"(?:[T _,;]+(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,:](?P<part>\d+))?)?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_CLOCK}", re.ASCII)
_DAY_OF_YEAR = re.compile(rf"(?P<year>\d{{4}})[-/.,](?P<day>\d{{3}}){_CLOCK}", re.ASCII)
_YEAR_LAST = re.compile(rf"(?P<one>\d{{1,2}})([-/.])(?P<two>\d{{1,2}})\2(?P<year>\d{{4}}){_CLOCK}", re.ASCII)
_COMPACT = re.compile(r"((?:19|20)\d{6})[T _]?(\d{4})?(\d{2})?\.?(\d{1,9})?Z?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+\.?\d*([eE][+-]?\d{1,2})?", re.ASCII)


def time_of(text: str | None, month_first: bool = False) -> datetime | None:
    """A time in UTC, without a zone, to the microsecond; None where nothing is known. ValueError for what is no time.

    month_first: how to read 03/04/2022, in a table whose other times say so (see `month_first`).
    """
    text = known(text)
    if not text:
        return None
    try:
        time = _iso(text) or _compact(text) or _since_1970(text) or _written(text, month_first)
    except (ValueError, OverflowError):
        time = None
    if time is None or not FIRST <= time.year < LAST:
        raise ValueError(f"{text[:40]!r} is no time between {FIRST} and {LAST}")
    return time


def moment(time: int) -> str:
    """Nanoseconds since 1970 as 2022-02-06T02:31:29.318400Z."""
    return spelled(time) + "Z"


@lru_cache(4096)  # a table's row and its neighbours name one time over and over
def spelled(time: int) -> str:
    """2022-02-06T02:31:29.318400 of nanoseconds since 1970, to the nearest microsecond as ObsPy has it."""
    return (EPOCH + timedelta(microseconds=round(time, -3) // 1000)).isoformat(timespec="microseconds")


def nanoseconds(time: datetime) -> int:
    """Since 1970, of a time as `time_of` gives it."""
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def month_first(texts: Iterable[str | None]) -> bool:
    """Whether a column of times says 12/31/2022: read day first some month is over 12, read month first none is."""
    places = [(int(found["one"]), int(found["two"])) for text in texts if (found := _YEAR_LAST.fullmatch(known(text)))]
    return any(two > 12 for _, two in places) and all(one <= 12 for one, _ in places)


def times(texts: Sequence[str]) -> Array:
    """(N,) datetime64[us]; NaT where there is no time."""
    slashed = [text for text in texts if text[2:3] in "-/." or text[1:2] in "-/."]
    first = month_first(slashed) if slashed else False

    def one(text: str) -> datetime | None:
        try:
            return time_of(text, first)
        except ValueError:
            return None

    return np.array([one(text) for text in texts], "M8[us]")


def _iso(text: str) -> datetime | None:
    """The usual case, read quickly."""
    if text[4:5] != "-" or text[7:8] != "-":
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _compact(text: str) -> datetime | None:
    """20220206023129.32; None if the digits are no date and clock. Units since 1970 look the same only after 2030."""
    found = _COMPACT.fullmatch(text)
    if found is None or (found[4] and not found[3]) or (found[3] and not found[2]):
        return None
    date, clock, second, part = (group or "" for group in found.groups())
    try:
        time = datetime.strptime(f"{date}{clock or '0000'}", "%Y%m%d%H%M")
    except ValueError:
        return None
    return _add(time, second=second, part=part) if int(second or 0) <= 60 else None


def _since_1970(text: str) -> datetime | None:
    """Seconds, or thousandths, millionths, billionths of them: whichever unit lies in our centuries."""
    if not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    microseconds = next((unit * value for below, unit in UNITS if abs(value) < below), Decimal(0))
    return EPOCH + timedelta(microseconds=round(microseconds)) if abs(microseconds) >= SMALLEST else None


def _written(text: str, month_first: bool) -> datetime | None:
    """A date in one of the orders of year, month and day, and a clock's time or none."""
    if found := _YEAR_FIRST.fullmatch(text):
        time = datetime(int(found["year"]), int(found["month"]), int(found["day"]))
    elif found := _DAY_OF_YEAR.fullmatch(text):
        if not 1 <= int(found["day"]) <= 366:
            return None
        time = datetime(int(found["year"]), 1, 1) + timedelta(days=int(found["day"]) - 1)
        if time.year != int(found["year"]):
            return None
    elif found := _YEAR_LAST.fullmatch(text):
        day, month = (found["two"], found["one"]) if month_first else (found["one"], found["two"])
        time = datetime(int(found["year"]), int(month), int(day))
    else:
        return None
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    if hour > 24 or minute > 59 or second > 60:
        return None
    time = _add(time + timedelta(hours=hour, minutes=minute), str(second), found["part"] or "")
    zone = (found["zone"] or "").replace(":", "")
    if zone[:1] in ("+", "-"):
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
        time = time - ahead if zone[0] == "+" else time + ahead
    return time


def _add(time: datetime, second: str, part: str) -> datetime:
    """Some seconds later; `part` are the digits behind the point."""
    return time + timedelta(seconds=int(second or 0), microseconds=round(Decimal(f"0.{part or 0}") * 10**6))

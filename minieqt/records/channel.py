"""What a channel is: the instrument it belongs to, its component, and whether its rate is of any use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Array = Any

SLOWEST, FASTEST = 20.0, 10_000.0  # Hz, what can be resampled to 100 Hz

SAME_RATE = 2e-3  # relative difference up to which two rates are the same, measured by different clocks
CARRIED = 0.99  # of the Nyquist frequency: the corners of a filter lie below

# Bands and instruments by preference: high-gain broadband, high-gain short-period, then accelerometers.
PREFERENCE = ("HH", "BH", "CH", "EH", "SH", "DH", "HL", "BL", "HN", "BN", "EN", "CN", "SN", "DN")
JAPANESE = re.compile(r"(EW|NS|UD)(\d?)")  # K-NET and KiK-net: EW, NS, UD, EW1 …
# Directions first; then rotated to an event's azimuth (R, T), along an axis (X east, Y north) or a building (L, T, V).
NAMED = {"E": "E", "N": "N", "Z": "Z", "W": "E", "S": "N", "U": "Z", "D": "Z"} | {
    "T": "E", "R": "N", "X": "E", "Y": "N", "L": "N", "V": "Z"
}  # fmt: skip
SLANTED = ("UVW", "ABC")  # three sensors at equal angles: none is vertical, each sees some of everything


@dataclass(frozen=True, order=True)
class Instrument:
    """Where traces come from: SEED's codes without the component, `band` being band and instrument code (HH)."""

    network: str
    station: str
    location: str
    band: str

    def name(self) -> str:
        """NET.STA.LOC.HH."""
        return ".".join((self.network, self.station, self.location, self.band))

    def rank(self) -> tuple[int, str, str]:
        """Lower is better."""
        place = PREFERENCE.index(self.band) if self.band in PREFERENCE else len(PREFERENCE)
        return place, self.location, self.band


def usable_rate(rate: Array) -> Array:
    """Whether a sampling rate (Hz), or each of several, can be resampled to the network's."""
    return (rate >= SLOWEST * (1 - SAME_RATE)) & (rate <= FASTEST * (1 + SAME_RATE))


def outside(rate: float) -> str:
    """Why a rate is of no use."""
    return f"{rate:g} Hz, outside {SLOWEST:g} to {FASTEST:g}"


def carries(rate: float, corner: float) -> bool:
    """Whether a filter of data at a sampling rate (Hz) may have a corner (Hz)."""
    return corner < CARRIED * rate / 2


def of_no_use(rate: float, band: tuple[float, float] | None) -> str:
    """Why data at a sampling rate (Hz) cannot be used with a band-pass between two corners (Hz); "" if they can."""
    if not usable_rate(rate):
        return outside(rate)
    return f"{rate:g} Hz, too slow for the filter" if band and not carries(rate, band[0]) else ""


def split_channel(channel: str) -> tuple[str, str]:
    """A channel's code -> (band and instrument, component's letter or digit), in capitals."""
    channel = channel.upper()
    japanese = JAPANESE.fullmatch(channel)
    if japanese:
        return japanese[2], japanese[1][0]
    return channel[:-1], channel[-1:]


def components(letters: Iterable[str]) -> dict[str, str]:
    """{letter or digit: E, N or Z} of channels that one instrument has at one time; what is none of them is left out.

    Digits are horizontals in SEED's order: 1 near north and 2 near east, or 2 north and 3 east; where no vertical is
    named and 1 and 3 are there, 1 is the vertical, 2 north, 3 east, as data loggers number their inputs. Of a pair one
    of which is missing, 1 is north, and 2 and 3 are east.
    """
    letters = set(letters)
    for slanted in SLANTED:
        if letters and letters <= set(slanted) and len(letters) > 1:
            return {letter: "ZNE"[slanted.index(letter)] for letter in letters}
    known: dict[str, str] = {}
    for letter in sorted(letters & NAMED.keys(), key=list(NAMED).index):
        if NAMED[letter] not in known.values():
            known[letter] = NAMED[letter]
    digits = sorted(letter for letter in letters if letter in tuple("123"))
    if {"1", "3"} <= set(digits) and "Z" not in known.values():
        names = {"1": "Z", "2": "N", "3": "E"}
    elif "3" in digits and "1" not in digits:
        names = {"2": "N", "3": "E"}
    else:
        names = {"1": "N", "2": "E", "3": "E"}
    for digit in digits:
        free = [name for name in (names[digit], *"NE") if name not in known.values()]
        if free:
            known[digit] = free[0]
    return known

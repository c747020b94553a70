"""An earthquake's arrivals as a table may give them, both or P or S alone; and where its coda ends.

A phase that nobody picked is NaN: it is unlabelled, which is not the same as absent.
"""

from __future__ import annotations

from math import isnan

from minieqt.data.labels import detection_end
from minieqt.data.table import SAMPLES


def wrong_arrivals(p: float, s: float) -> str:
    """Why an earthquake's arrivals (samples, NaN where not picked) cannot be used, or the empty text."""
    if 0 <= p < s < SAMPLES:  # nearly all
        return ""
    if isnan(p) and isnan(s):
        return "earthquake without P and S"
    if not all(0 <= arrival < SAMPLES for arrival in (p, s) if not isnan(arrival)):
        return "arrival outside the window"
    return "S not after P" if p >= s else ""


def usable_coda(p: float, s: float, coda: float) -> float:
    """Where the shaking ends, inside the window: what the table says, if that is after the last arrival.

    Otherwise S + 0.4 (S − P); where that is unknown too, the window's end, so that augmentation moves nothing of the
    earthquake around the window's edge.
    """
    if not coda > (p if isnan(s) else s):
        coda = detection_end(p, s)
    return float(coda) if coda < SAMPLES else float(SAMPLES)  # NaN is not less

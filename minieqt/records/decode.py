"""miniSEED records -> traces, by ObsPy, with the clock's own time stamps and without damaged records.

ObsPy refuses all of a file when one record of it cannot be unpacked: then its halves are tried, and their halves, until
the bad ones stand alone. A record whose samples do not end where its header says (Steim's check) counts as damaged.

ObsPy joins records that follow each other to half a sample, and keeps the first one's start. Where a clock drifts, the
sum of such halves grows without bound. So a trace is cut where its records' time stamps leave it by more than DRIFT:
each piece begins with a time stamp of the clock (records/clock.py puts them on one time base).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import obspy
from obspy import Trace, UTCDateTime

from minieqt.records.mseed import CODES, durations
from minieqt.records.span import SECOND

Array = Any

DRIFT = 0.25  # samples


def decode(data: bytes, records: Array, damaged: Callable[[Any], object]) -> list[Trace]:
    """The traces of `records` (see mseed.RECORD; offsets in `data`); `damaged` is called with each damaged one."""
    found = []
    for together in drifting_apart(records) if drifts(records) else [records]:
        traces = unpack(data, together, damaged)
        if len(traces) == 1:
            traces = cut_at_stamps(traces[0], together)
        found += traces
    return found


def unpack(data: bytes, records: Array, damaged: Callable[[Any], object]) -> list[Trace]:
    """Those of the records that can be unpacked."""
    if not len(records):
        return []
    try:
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            traces = obspy.read(io.BytesIO(joined(data, records)), format="MSEED")
        whole = sum(trace.stats.npts for trace in traces) == records["samples"].sum()
        if whole and not any("integrity" in str(complaint.message) for complaint in complaints):
            return list(traces)
    except Exception:  # ObsPy's readers raise whatever they like
        pass
    if len(records) == 1:
        damaged(records[0])
        return []
    half = len(records) // 2
    return unpack(data, records[:half], damaged) + unpack(data, records[half:], damaged)


def joined(data: bytes, records: Array) -> bytes:
    """The bytes of these records."""
    ends = records["offset"] + records["length"]
    if (records["offset"][1:] == ends[:-1]).all():
        return data[records["offset"][0] : ends[-1]]
    return b"".join(data[first:last] for first, last in zip(records["offset"], ends, strict=True))


def steps(records: Array) -> Array:
    """How much later than the one before it ends each record of a channel begins, in samples (N - 1,)."""
    before, after = records[:-1], records[1:]
    return (after["start"] - before["start"] - durations(before)) / SECOND * before["rate"]


def by_channel(records: Array) -> list[Array]:
    """The records of each channel, in the order in which they stand."""
    _, which = np.unique(records[CODES], return_inverse=True)
    return [records[which == n] for n in range(which.max(initial=-1) + 1)]


def drifts(records: Array) -> bool:
    """Whether the time stamps of any run leave its rate by more than DRIFT."""
    return any(len(cut_points(run)) for channel in by_channel(records) for run in runs(channel))


def runs(channel: Array) -> list[Array]:
    """A channel's records as ObsPy joins them: to half a sample."""
    return np.split(channel, np.flatnonzero(np.abs(steps(channel)) > 0.5) + 1)


def drifting_apart(records: Array) -> list[Array]:
    """Runs that drift, each alone, and all other records together."""
    apart: list[Array] = []
    rest: list[Array] = []
    for channel in by_channel(records):
        for run in runs(channel):
            (apart if len(cut_points(run)) else rest).append(run)
    return apart + ([np.concatenate(rest)] if rest else [])


def cut_points(run: Array) -> list[int]:
    """Which records of a run begin more than DRIFT from where the last such record's time and the rate put them."""
    off = np.cumsum(steps(run))
    if not len(off) or np.abs(off).max() <= DRIFT:
        return []
    found, base = [], 0.0
    for n, value in enumerate(off.tolist(), 1):
        if abs(value - base) > DRIFT:
            found.append(n)
            base = value
    return found


def cut_at_stamps(trace: Trace, run: Array) -> list[Trace]:
    """A run's trace, cut where its records' times leave it; each piece with its own record's time."""
    at = np.concatenate([[0], np.cumsum(run["samples"])])
    edges = [0, *cut_points(run), len(run)]
    if at[-1] != trace.stats.npts:
        return [trace]
    found = []
    for first, last in pairwise(edges):
        header = {name: trace.stats[name] for name in (*CODES, "sampling_rate")}
        header["starttime"] = UTCDateTime(ns=int(run["start"][first]))
        found.append(Trace(trace.data[at[first] : at[last]], header))
    return found

"""Training windows of a minute out of continuous records: one earthquake each, or none at all.

P stands anywhere from 3 to 25 s into a window, drawn anew for each, so that a network cannot learn the clock. No other
pick of the station may fall into an earthquake's window, and none near a noise window: a phase that is there and not
labelled would teach the opposite of what is true. An analyst may have missed something, so a noise window in which
half a second stands out is left out too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
from obspy import UTCDateTime
from obspy.geodetics import gps2dist_azimuth

from minieqt.data.measures import coda_end, power, signal_to_noise
from minieqt.data.stead_writer import Row
from minieqt.data.table import RATE, SAMPLES
from minieqt.importing.catalogue import Catalogue, Pair
from minieqt.records.archive import Archive
from minieqt.records.channel import Instrument
from minieqt.records.join import TWICE
from minieqt.records.left_out import LeftOut
from minieqt.records.segment import Segment, segments
from minieqt.records.serve import group, serve
from minieqt.records.span import DAY, SECOND
from minieqt.records.stations import Coordinates
from minieqt.tables.picks import Onset, Station

Array = Any
Pieces = list[tuple[Instrument, Segment]]

CONTEXT = 120 * SECOND  # read before and after a day: its windows, and what the filters need
LENGTH = round(SAMPLES / RATE) * SECOND
EARLIEST, LATEST = 3.0, 25.0  # s from a window's start to P
AFTER_S = 1.0  # s that must follow S
QUIET = 30 * SECOND  # between a noise window and the nearest pick after it; three times that before it
DRAWS = 20  # tries to place a window
BURST = 12.0  # times the power that a quarter of its half seconds stay under: the most a noise window may have


@dataclass
class Job:
    """How windows are cut."""

    catalogue: Catalogue
    coordinates: Coordinates = field(default_factory=Coordinates)
    band: tuple[float, float] | None = (1.0, 45.0)  # Hz
    noise: int = 10  # windows of a station and day
    seed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # what is no pick: noise windows, what the records say
    left_out: LeftOut = field(default_factory=LeftOut)  # of the records
    quiet: dict[Station, list[int]] = field(default_factory=dict)  # times of detections that an analyst says are none

    def leave_out(self, pair: Pair, reason: str) -> None:
        for onset in pair.onsets():
            self.catalogue.found.leave_out(onset, reason)


def cut_windows(archive: Archive, job: Job, days: Iterable[tuple[int, Station]]) -> Iterator[tuple[Row, Array]]:
    """Rows of STEAD's CSV and windows (3, 6000), day by day; days: some of `archive.days()`."""
    names, looked_at = set[str](), set[tuple[int, Station]]()
    for day, station in days:
        looked_at.add((day, station))
        left_out = LeftOut(day, day + DAY)
        traces = archive.read(station, day - CONTEXT, day + DAY + CONTEXT, left_out)
        groups = group(traces, left_out, job.band)
        pieces = [
            (instrument, piece)
            for instrument, served in serve(groups, "best", (day, day + DAY), left_out)
            for piece in segments(groups.pop(instrument), job.band, left_out, served)
            if piece.x.shape[1] >= SAMPLES
        ]
        for row, x in _of_a_day(job, day, station, pieces):
            if row["trace_name"] in names:
                job.skipped["second window within a second"] += 1
            else:
                names.add(row["trace_name"])
                yield row, x
        job.left_out.extend(left_out)
        job.skipped.update(row.reason for row in left_out if row.reason != TWICE)  # which loses nothing
    for station, pairs in job.catalogue.pairs.items():
        for pair in pairs:
            if (pair.first.time // DAY * DAY, station) not in looked_at:
                job.leave_out(pair, "pick on a day without records")
    for station, times in job.quiet.items():
        for time in times:
            if (time // DAY * DAY, station) not in looked_at:
                job.skipped["detection that was none, on a day without records"] += 1


def _of_a_day(job: Job, day: int, station: Station, pieces: Pieces) -> Iterator[tuple[Row, Array]]:
    onsets = job.catalogue.onsets.get(station, [])
    for pair in job.catalogue.pairs.get(station, []):
        if day <= pair.first.time < day + DAY:
            found = _place(_rng(job, station, pair.first.time), pieces, pair, onsets)
            if isinstance(found, str):
                job.leave_out(pair, found)
            else:
                yield _earthquake(job, pair, *found)
    for time in job.quiet.get(station, []):
        if day <= time < day + DAY:
            nothing = Pair(Onset(*station, "P", time), None)
            found = _place(_rng(job, station, time), pieces, nothing, job.catalogue.seen.get(station, []))
            if isinstance(found, str):
                job.skipped[
                    "detection that was none: another pick near it, or the record does not hold its window"
                ] += 1
            else:
                instrument, piece, first = found
                row = _station_columns(job, instrument, piece.time(first), "NO") | {"trace_category": "noise"}
                yield row, piece.x[:, first : first + SAMPLES]
    yield from _noise(job, day, station, pieces, job.catalogue.seen.get(station, []))


def _rng(job: Job, station: Station, time: int) -> np.random.Generator:
    """Random numbers of its own for every window, so that it does not depend on what else is imported."""
    return np.random.default_rng([job.seed, crc32(".".join(station).encode()), time // SECOND])


def _place(
    rng: np.random.Generator, pieces: Pieces, pair: Pair, onsets: list[int]
) -> tuple[Instrument, Segment, int] | str:
    """Instrument, segment and first sample in it of a window that shows this earthquake and no other; or why not."""
    first_pick, last_pick = pair.first.time, pair.onsets()[-1].time
    travel = (last_pick - first_pick) / SECOND
    latest = min(LATEST, LENGTH / SECOND - AFTER_S - travel)
    reason = "pick whose window the record does not hold"
    for before in rng.uniform(min(EARLIEST, latest), latest, DRAWS):
        start = first_pick - round(before * SECOND)
        inside = onsets[bisect_left(onsets, start) : bisect_right(onsets, start + LENGTH)]
        if any(time not in (first_pick, last_pick) for time in inside):
            reason = "pick with another earthquake's in its window"
            continue
        for instrument, piece in pieces:
            first = round((start - piece.start) / SECOND * piece.rate)
            if 0 <= first <= piece.x.shape[1] - SAMPLES and piece.x[:, first : first + SAMPLES].any():
                return instrument, piece, first
    return reason


def _earthquake(job: Job, pair: Pair, instrument: Instrument, piece: Segment, first: int) -> tuple[Row, Array]:
    x, start = piece.x[:, first : first + SAMPLES], piece.time(first)
    row = _station_columns(job, instrument, start, "EV") | pair.first.source
    row |= {"source_id": pair.first.event, "trace_category": "earthquake_local"}
    sample = {}
    for onset in pair.onsets():
        sample[onset.phase] = round((onset.time - start) / SECOND * piece.rate, 2)
        name = onset.phase.lower()
        row |= {f"{name}_arrival_sample": sample[onset.phase], f"{name}_status": onset.status}
    if len(sample) == 2:  # of one phase alone, nobody knows where the signal begins or ends
        p, s = sample["P"], sample["S"]
        row |= {
            "snr_db": signal_to_noise(x, p, s),
            "coda_end_sample": np.array([[np.ceil(coda_end(x, p, s))]]),
        }
    if {"source_latitude", "source_longitude", "receiver_latitude"} <= row.keys():
        source = float(row["source_latitude"]), float(row["source_longitude"])
        metres, _, back = gps2dist_azimuth(*source, row["receiver_latitude"], row["receiver_longitude"])
        row |= {"source_distance_km": round(metres / 1000, 2), "back_azimuth_deg": round(back, 1)}
    return row, x


def _noise(job: Job, day: int, station: Station, pieces: Pieces, onsets: list[int]) -> Iterator[tuple[Row, Array]]:
    """Windows far from every pick and from each other."""
    room = np.array([max(piece.x.shape[1] - SAMPLES + 1, 0) for _, piece in pieces])
    if not room.sum():
        return
    ends = np.cumsum(room)
    rng = _rng(job, station, day)
    taken: list[int] = []
    for at in rng.integers(0, ends[-1], DRAWS * job.noise).tolist():
        which = int(np.searchsorted(ends, at, side="right"))
        first = int(at - ends[which] + room[which])
        instrument, piece = pieces[which]
        start, x = piece.time(first), piece.x[:, first : first + SAMPLES]
        near = onsets[bisect_left(onsets, start - 3 * QUIET) : bisect_right(onsets, start + LENGTH + QUIET)]
        if len(taken) == job.noise or near or not day <= start < day + DAY:
            continue
        if any(abs(start - other) < LENGTH for other in taken) or not x.any():
            continue
        half_seconds = power(x - x.mean(axis=1, keepdims=True))
        if half_seconds.max() > BURST * np.percentile(half_seconds, 25):
            job.skipped["noise window in which something stands out"] += 1
            continue
        taken.append(start)
        yield _station_columns(job, instrument, start, "NO") | {"trace_category": "noise"}, x


def _station_columns(job: Job, instrument: Instrument, start: int, suffix: str) -> Row:
    time = UTCDateTime(ns=start)
    network, station = instrument.network, instrument.station
    row = {
        "network_code": network,
        "receiver_code": station,
        "receiver_type": instrument.band,
        "trace_start_time": time.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "trace_name": f"{station}.{network}_{time.strftime('%Y%m%d%H%M%S')}_{suffix}".replace("/", "_"),  # HDF5's own
    }
    place = job.coordinates.at(network, station, time)
    if place is not None:
        names = ("receiver_latitude", "receiver_longitude", "receiver_elevation_m")
        row |= dict(zip(names, place, strict=True))
    return row

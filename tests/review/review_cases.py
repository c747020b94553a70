"""A small OUT of `pick` to review: records of a few minutes, and what a network may have found in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from obspy import Stream, Trace, UTCDateTime

from minieqt.picking.day_file import DayFile, write_day_file
from minieqt.picking.events import Event, Pick
from minieqt.records.channel import Instrument

START = UTCDateTime("2022-02-06T01:00:00")
MINUTES = 12
AT = Instrument("XX", "AAA", "", "HH")
HOSTILE = "<script>"


def event(seconds, p=None, s=None, probability=0.9, uncertainty=None, at=AT):
    """A detection `seconds` after START; p, s: (seconds after its start, probability)."""
    start = START + seconds

    def pick(phase, told):
        if told is None:
            return None
        channel = at.band + ("Z" if phase == "P" else "N")
        return Pick(at, channel, phase, start + told[0], told[1], uncertainty, 0.05, 10.0)

    return Event(at, start, start + 10, probability, uncertainty, pick("P", p), pick("S", s))


def write_out(folder: Path, events, files=(), made="one"):
    """OUT/station_days of these events; all stations on one day."""
    days = folder / "station_days"
    days.mkdir(parents=True, exist_ok=True)
    for station in {(each.instrument.network, each.instrument.station) for each in events} | {("XX", "AAA")}:
        mine = [e for e in events if (e.instrument.network, e.instrument.station) == station]
        known = {"made": made, "selection": [None, None], "files": [[str(path), 0, 0] for path in files]}
        name = f"{station[0]}.{station[1]}.2022-02-06.json".replace("<", "%3C").replace(">", "%3E")
        write_day_file(days / name, known, DayFile(mine))
    return folder


def records(path: Path, onsets, at=AT, minutes=MINUTES, seed=0):
    """Three components of noise with an earthquake's P and S at each of onsets ((P, S) seconds after START)."""
    rng = np.random.default_rng(seed)
    t = np.arange(minutes * 6000) / 100
    stream = Stream()
    for component in "ENZ":
        x = rng.normal(size=len(t))
        for p, s in onsets:
            for onset, strength, loud in ((p, 15, "Z"), (s, 30, "EN")):
                after = np.maximum(t - onset, 0)
                size = strength if component in loud else strength / 4
                x += size * (t >= onset) * np.exp(-after / 2) * np.sin(2 * np.pi * 8 * after)
        header = {"network": at.network, "station": at.station, "location": at.location, "starttime": START}
        stream += Trace((100 * x).astype(np.float32), header | {"channel": at.band + component, "sampling_rate": 100})
    for trace in stream:
        trace.write(str(path.with_suffix(f".{trace.stats.channel}")), format="SAC")
    return [path.with_suffix(f".{at.band}{component}") for component in "ENZ"]

"""Three components on one time axis."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import Stream
from records import START, record, trace

from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut
from minieqt.records.segment import DEAD, segments
from minieqt.records.serve import group
from minieqt.records.span import SECOND


def of(stream):
    return group(stream, LeftOut())[Instrument("XX", "ABC", "", "HH")]


def test_segments_put_components_on_one_axis():
    stream = record(10)
    stream[0].trim(START + 2)  # E begins later
    stream[1].trim(START, START + 4)  # N ends earlier
    (segment,) = segments(of(stream), None)
    assert segment.start == START.ns and segment.x.shape == (3, 1000) and segment.x.dtype == np.float32
    assert (segment.x[0, :200] == 0).all() and (segment.x[1, 401:] == 0).all() and (segment.x != 0).sum(1)[2] > 990
    assert segment.time(250) == (START + 2.5).ns


def test_segments_end_where_no_component_goes_on():
    stream = record(10)
    for one in list(stream):
        stream += trace(3, one.stats.channel, start=START + 12)
    found = segments(of(stream))
    assert [(segment.start, segment.x.shape[1]) for segment in found] == [(START.ns, 1000), ((START + 12).ns, 300)]
    stream += trace(5, "HHZ", start=START + 9, seed=1)  # bridges the gap
    assert [s.x.shape[1] for s in segments(of(stream))] == [1500]


def test_what_a_filter_left_of_a_constant_is_no_component():
    stream = record(10)
    stream[0].data *= 1e-20
    left_out = LeftOut()
    (segment,) = segments(of(stream), None, left_out)
    assert not segment.x[0].any() and segment.x[1:].any() and [row.reason for row in left_out] == [DEAD]
    assert segment.channel("ENZ", segment.start) == "HHN"
    assert left_out.picked == pytest.approx(20) and left_out.seconds == pytest.approx(10)


def test_a_spike_silences_no_other_component():
    stream = record(600)
    for one in stream:
        one.data *= 1e-10  # m/s
    stream[2].data[30000:30003] = 1e14
    left_out = LeftOut()
    (segment,) = segments(of(stream), (1.0, 45.0), left_out)
    assert segment.x.any(axis=1).all() and not left_out and left_out.picked == pytest.approx(1800)


def test_the_channel_of_a_moment():
    """Horizontals that were renamed: each moment has its own code."""
    stream = record(100) + Stream([trace(100, code, start=START + 100) for code in ("HH1", "HH2", "HHZ")])
    (segment,) = segments(of(stream))
    codes = [segment.channel("N", START.ns + seconds * SECOND) for seconds in (50, 150)]
    assert codes == ["HHN", "HH1"] and segment.x.any(axis=0).mean() > 0.99

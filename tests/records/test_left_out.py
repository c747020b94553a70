"""The ledger: seconds recorded = seconds picked + seconds left out, whatever a stream holds."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obspy import Stream, UTCDateTime
from records import small_model, trace

from minieqt import pick
from minieqt.errors import UserError
from minieqt.picking.pick import station_days
from minieqt.picking.probabilities import Settings
from minieqt.records.gap import pieces
from minieqt.records.left_out import LeftOut
from minieqt.records.span import SECOND

MIDNIGHT = UTCDateTime("2022-02-07T00:00:00")
MODEL = small_model()

traces = st.builds(
    dict,
    channel=st.sampled_from(["HHE", "HHN", "HHZ", "HH1", "hh2", "BHZ", "HNZ", "HDH", "LHZ", "EW"]),
    location=st.sampled_from(["", "00"]),
    station=st.sampled_from(["ABC", "abc"]),
    start=st.floats(-300, 300).map(lambda t: MIDNIGHT + round(t, 4)),
    seconds=st.floats(0.05, 200),
    rate=st.sampled_from([1.0, 50.0, 99.95, 100.0, 100.0, 100.0, 250.0]),
    dtype=st.sampled_from(["int32", "float32", "float64"]),
    seed=st.integers(0, 1),
)
holes = st.lists(
    st.tuples(st.integers(0, 20000), st.integers(1, 5000), st.sampled_from(["zero", "nan", "mask"])), max_size=3
)


@given(st.lists(st.tuples(traces, holes), min_size=1, max_size=6))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_every_second_is_accounted_for(made):
    stream = Stream()
    for options, gaps in made:
        one = trace(**options)
        mask = np.zeros(len(one.data), bool)
        for first, count, how in gaps:
            if how == "mask":
                mask[first : first + count] = True
            elif how == "zero" or one.data.dtype.kind == "f":
                one.data[first : first + count] = 0 if how == "zero" else np.nan
        if mask.any():
            one.data = np.ma.array(one.data, mask=mask)
        stream += one
    there = sum(np.ma.count(one.data) / one.stats.sampling_rate for one in stream)
    left_out = LeftOut()
    try:
        for _ in station_days(stream, MODEL, Settings(), lambda windows: None, left_out):
            pass
    except UserError:
        assert left_out.picked == 0
    assert left_out.recorded == pytest.approx(there, abs=1e-6)
    assert left_out.recorded == pytest.approx(left_out.picked + left_out.seconds, abs=1e-6)
    assert all(row.reason and row.start < row.end for row in left_out)


def test_pick_tells_what_it_did_not_use(tmp_path):
    stream = Stream([trace(300, code) for code in ("HHE", "HHN", "HHZ", "HDH")])
    stream[2].data[10000:11000] = 0
    events, _ = pick(stream, MODEL)
    assert str(events.left_out) in (
        "1 × one value repeated (10 s); 1 × channel HDH, no component that is known (300 s)",
        "1 × channel HDH, no component that is known (300 s); 1 × one value repeated (10 s)",
    )
    events.left_out.to_csv(tmp_path / "left_out.csv")
    with (tmp_path / "left_out.csv").open() as file:
        rows = {row["reason"]: row for row in csv.DictReader(file)}
    row = rows["one value repeated"]
    assert (row["id"], row["seconds"]) == ("XX.ABC..HHZ", "10.000000")
    assert UTCDateTime(row["end"]) - UTCDateTime(row["start"]) == 10


def test_rows_that_follow_each_other_are_one():
    left_out = LeftOut(0, 100 * SECOND)
    for first in (-10, 10, 12, 50, 95):
        left_out.leave("a", first * SECOND, (first + 10) * SECOND, "why")
    left_out.refuse("file", "bad")
    assert [(row.start, row.end, row.length) for row in left_out if row.id] == [
        (10 * SECOND, 22 * SECOND, 20 * SECOND),
        (50 * SECOND, 60 * SECOND, 10 * SECOND),
        (95 * SECOND, 100 * SECOND, 5 * SECOND),
    ]
    again = LeftOut.from_json(left_out.to_json())
    assert list(again) == list(left_out) and again.seconds == left_out.seconds
    assert str(left_out).endswith("1 × bad (file)")


@pytest.mark.parametrize("rate", [0.5, 1.0, 20_000.0])
def test_what_is_masked_was_not_recorded_at_any_rate(rate):
    """A trace at a rate that nobody picks counts without its gaps too."""
    one = trace(seconds=40 / rate, rate=rate, dtype="int32")
    mask = np.zeros(len(one.data), bool)
    mask[3:10] = True
    one.data = np.ma.array(one.data, mask=mask)
    left_out = LeftOut()
    assert list(pieces(one, left_out)) == []
    assert left_out.recorded == pytest.approx((len(mask) - 7) / rate) == left_out.seconds

"""No row lost, none on two sides, no event on two sides."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minieqt.data import open_dataset, split
from minieqt.data.split import PARTS, apart, make_split, shown_in, validated_elsewhere
from minieqt.data.stead_csv import read_columns
from minieqt.data.table import TraceTable
from minieqt.errors import UserError


def table_of(events):
    """A table of earthquakes without a time, of which only names and events matter."""
    events = np.array([f"e{event}" for event in events])
    others = {"earthquake": np.ones(len(events), bool), "start_time": np.full(len(events), np.datetime64("NaT", "us"))}
    nothing = np.full(len(events), np.nan)
    columns = dict.fromkeys(TraceTable.__dataclass_fields__, nothing)
    names = np.array([f"t{i:05d}" for i in range(len(events))])
    return TraceTable(**columns | others | {"name": names, "event": events})


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 60), st.sampled_from(["event", "trace"]))
def test_every_row_once_and_no_group_on_two_sides(seed, events, by):
    table = table_of(np.random.default_rng(seed).integers(0, events, 300))
    parts = split(table, by, (0.6, 0.2, 0.2), seed)
    assert sorted(itertools.chain(*parts)) == list(range(300))
    groups = table.event if by == "event" else table.name
    for one, other in itertools.combinations(parts, 2):
        assert not set(groups[one]) & set(groups[other])
    for rows in parts:
        assert rows.dtype == np.int64 and (np.diff(rows) > 0).all()


def test_fractions_are_met_in_traces(rng):
    table = table_of(rng.integers(0, 3000, 10000))
    shares = [len(rows) / 10000 for rows in split(table)]
    np.testing.assert_allclose(shares, [0.85, 0.05, 0.10], atol=0.002)


def test_by_event_and_by_trace_differ_where_events_have_several_traces(rng):
    table = table_of(rng.integers(0, 500, 3000))
    train, _, test = split(table, by="trace")
    assert set(table.event[train]) & set(table.event[test])


def test_seed_and_nothing_else_decides(rng):
    events = rng.integers(0, 300, 1000)
    table = table_of(events)
    np.testing.assert_array_equal(split(table, seed=3)[2], split(table, seed=3)[2])
    assert not np.array_equal(split(table, seed=3)[2], split(table, seed=4)[2])
    order = rng.permutation(1000)  # the same traces, listed in another order
    shuffled = table.take(order)
    assert set(shuffled.name[split(shuffled, seed=3)[2]]) == set(table.name[split(table, seed=3)[2]])


def test_noise_stays_with_the_event_it_preceded(shared):
    with open_dataset(shared / "data/ncedc.hdf5", shared / "data/ncedc.csv") as dataset:
        table = dataset.table
        parts = split(table, fractions=(0.6, 0.2, 0.2))
        side = np.empty(len(table), int)
        for number, rows in enumerate(parts):
            side[rows] = number
        pairs = 0
        for row in np.flatnonzero(~table.earthquake):
            partner = np.flatnonzero(table.earthquake & (table.event == table.event[row]))
            pairs += len(partner)
            assert (side[partner] == side[row]).all()
        assert pairs >= 30


@pytest.mark.parametrize(
    "change, message",
    [
        ({"by": "magnitude"}, "choose event, station, trace, time"),
        ({"fractions": (0.5, 0.2, 0.2)}, "add up to 1"),
        ({"fractions": (1.2, -0.1, -0.1)}, "add up to 1"),
    ],
)
def test_a_setting_that_cannot_work(change, message):
    with pytest.raises(UserError, match=message):
        split(table_of(range(100)), **change)


def test_an_empty_part_is_an_error_unless_it_was_asked_for():
    with pytest.raises(UserError, match="validation split is empty: 3 events with 3 traces"):
        split(table_of(range(3)))
    train, validation, test = split(table_of(range(3)), fractions=(0, 0, 1))
    assert (len(train), len(validation), len(test)) == (0, 0, 3)


# -- by station, by time, and as given -----------------------------------------------------------------------


def test_by_station_no_station_stands_on_two_sides(rng):
    stations = np.array([f"XX.S{i}" for i in rng.integers(0, 60, 2000)])
    parts = split(replace(table_of(rng.integers(0, 300, 2000)), station=stations), by="station")
    sides = [set(stations[rows]) for rows in parts]
    assert all(sides) and not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]


def test_by_time_the_test_comes_last(rng):
    events = rng.integers(0, 300, 2000)
    days = np.datetime64("2010-01-01") + events  # an event a day
    time, known = np.full(2000, "NaT", "M8[us]"), np.unique(events, return_index=True)[1]
    time[known] = days[known]  # one trace of every event
    table = replace(table_of(events), start_time=time)
    train, validation, test = split(table, by="time")
    assert days[train].max() < days[validation].min() and days[validation].max() < days[test].min()
    assert len(test) / 2000 == pytest.approx(0.1, abs=0.01)


class Named:
    """A data set of which only the table matters, and the columns of a CSV."""

    def __init__(self, table, csv=None):
        self.table, self.csv = table, csv

    def columns(self, *names):
        return read_columns(self.csv, names)


def test_the_lists_of_another_run(tmp_path):
    table = table_of(range(100))
    parts = split(table)
    for name, rows in zip(PARTS, parts, strict=True):
        (tmp_path / f"{name}.txt").write_text("".join(f"{name}\n" for name in table.name[rows]))
    for again, rows in zip(make_split(str(tmp_path), Named(table)), parts, strict=True):
        np.testing.assert_array_equal(again, rows)
    np.save(tmp_path / "test.npy", table.name[parts[0]])
    (tmp_path / "test.txt").unlink()
    with pytest.raises(UserError, match="share traces"):
        make_split(str(tmp_path), Named(table))
    (tmp_path / "test.npy").unlink()
    with pytest.raises(UserError, match=r"neither test.txt nor test.npy"):
        make_split(str(tmp_path), Named(table))


@pytest.mark.parametrize("kind", ["U", "S"])
def test_a_published_test_list(tmp_path, kind):
    table = table_of(range(300))
    np.save(tmp_path / "test.npy", table.name[10:40].astype(str).astype(kind))
    train, validation, test = make_split(str(tmp_path / "test.npy"), Named(table))
    assert test.tolist() == list(range(10, 40))
    assert sorted([*train, *validation, *test]) == list(range(300))
    assert len(validation) / 300 == pytest.approx(0.05, abs=0.02)
    np.save(tmp_path / "none.npy", np.array(["a", "b"]))
    with pytest.raises(UserError, match="names 2 traces, and none of them"):
        make_split(str(tmp_path / "none.npy"), Named(table))


def test_a_list_from_another_editor(tmp_path):
    """A mark at its beginning, blank lines, blanks in names and behind them; and files that are no lists."""
    table = table_of(range(60))
    table = replace(table, name=np.array(["a", "b c", *table.name[2:]]))
    path = tmp_path / "test.txt"
    path.write_text("\ufeffa\r\nb c \r\n\r\n", encoding="utf-8")
    assert make_split(str(path), Named(table))[2].tolist() == [0, 1]
    (tmp_path / "test.npy").write_bytes(b"")
    np.savez(tmp_path / "zip", a=np.arange(3))
    (tmp_path / "zip.npz").rename(tmp_path / "zip.npy")
    for name in ("test.npy", "zip.npy"):
        with pytest.raises(UserError, match="is no list of trace names"):
            make_split(str(tmp_path / name), Named(table))


def test_the_column_of_a_csv(tmp_path):
    table = table_of(range(6))
    values = ["train", "dev", "test", "Train", "", "test"]
    path = tmp_path / "a.csv"
    path.write_text("trace_name,split\n" + "".join(f"{n},{v}\n" for n, v in zip(table.name, values, strict=True)))
    parts = make_split("column", Named(table, path))
    assert [rows.tolist() for rows in parts] == [[0, 3], [1], [2, 5]]
    path.write_text("trace_name,p\nA,1\n")
    with pytest.raises(UserError, match="has no column split"):
        make_split("column", Named(table, path))
    with pytest.raises(UserError, match="or name a file or folder of lists"):
        make_split("weekday", Named(table))


# -- a validation set of its own ---------------------------------------------------------------------------------------


class NamesAndEvents:
    """A data set of which only names and events matter."""

    def __init__(self, rows):
        names, events = zip(*rows, strict=True)
        self.table = replace(table_of(range(len(names))), name=np.array(names), event=np.array(events))
        self.skipped = {}

    def __len__(self):
        return len(self.table)


OWN = NamesAndEvents([("a", "1"), ("b", "1"), ("c", "2"), ("d", "3"), ("e", "4"), ("f", "5")])
OWN_PARTS = (np.array([0, 1, 3]), np.array([2, 4]), np.array([5]))


def test_another_set_validates():
    """c stands in both; b's earthquake 1 is in the other set as x; what was validation is trained on."""
    other = NamesAndEvents([("x", "1"), ("c", "2"), ("y", "9")])
    both, row_of_own, parts = validated_elsewhere(OWN, other, OWN_PARTS)
    training, validation, test = (both.table.name[rows].tolist() for rows in parts)
    assert (training, validation, test) == (["d", "e"], ["x", "c", "y"], ["f"])
    assert row_of_own.tolist() == [-1, -1, -1, 0, 1, 3, 4, 5]


def test_another_set_that_knows_every_earthquake():
    with pytest.raises(UserError, match="every earthquake of the training split stands in the validation set"):
        validated_elsewhere(OWN, NamesAndEvents([(f"x{n}", f"{n}") for n in range(6)]), OWN_PARTS)


# -- the clock ---------------------------------------------------------------------------------------------------------


def timed(rows):
    """A table from (event, seconds after some midnight or None, earthquake)."""
    events, seconds, earthquake = zip(*rows, strict=True)
    midnight, missing = np.datetime64("2020-01-01", "us"), np.datetime64("NaT", "us")
    times = [missing if s is None else midnight + np.timedelta64(s, "s") for s in seconds]
    table = table_of(range(len(rows)))
    return replace(table, event=np.array(events), start_time=np.array(times), earthquake=np.array(earthquake))


def test_one_earthquake_is_known_by_its_time_and_not_by_a_number_alone():
    """Row 0 is shown; catalogues that count from 0 name other earthquakes alike."""
    table = timed(
        [
            ("0", 0, True),  # itself
            ("7", 100, True),  # another name at nearly the same time
            ("0", 3000, True),  # the same name within the hour
            ("0", 90_000, True),  # the same number a day later: another earthquake
            ("0", None, True),  # the same name without a time: perhaps
            ("0", 50, False),  # noise before it, of the same event
            ("n", 60, False),  # noise of a minute in which the earth shook elsewhere
            ("8", 300, True),
        ]
    )
    assert shown_in(table, np.array([0])).tolist() == [True, True, True, False, True, True, False, False]
    assert shown_in(table, np.array([4])).tolist() == [True, False, True, True, True, True, False, False]


def test_windows_without_an_event_that_stand_apart_are_counted():
    table = timed([("a", 0, True), ("b", 60, True), ("c", 500, True), ("d", 560, True), ("e", 9000, True)])
    parts = np.array([0, 2]), np.array([1]), np.array([3, 4])
    assert apart(table, parts) == 0  # their events are known
    assert apart(replace(table, event=table.name), parts) == 4
    assert apart(replace(table, event=table.name), (np.arange(4), np.array([4]), np.array([], int))) == 0

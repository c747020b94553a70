"""picks.csv as Parquet, a file a day: the same rows, read back."""

from __future__ import annotations

import csv
import sys
from datetime import datetime

import pytest
from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.picking.events import Event, Pick
from minieqt.picking.parquet import FOLDER, NUMBERS, TIMES, check_installed
from minieqt.picking.results import PICK_COLUMNS, Events, write_tables
from minieqt.records.channel import Instrument
from minieqt.records.stations import Coordinates

FIRST = UTCDateTime("2022-02-06")
DAY = 86400


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow.dataset", reason="Arrow is not installed (extra parquet)")


def days(which):
    """A day of each number: an event at its beginning, whose P lies in the day before, and a pick of none."""
    at = Instrument("XX", "ÄBC", "", "HH")
    for n in which:
        start = FIRST + DAY * n
        p = Pick(at, "HHZ", "P", start - 0.25, 0.8761, None, 0.1, 12.34)
        s = Pick(at, "HHN", "S", start + 3.000001, 0.5, 0.02, 0.2, None)
        found = Events([Event(at, start + 0.04, start + 7, 0.9, None, p, s)])
        found.others = [Pick(at, "HHE", "S", start + 40_000, 0.31, None, 0.3, 1.0)]
        yield start.ns, found


def read_csv(path):
    def typed(name, cell):
        if name in TIMES:
            return datetime.fromisoformat(cell) if cell else None
        if name in NUMBERS:
            return float(cell) if cell else None
        return cell

    with path.open(encoding="utf-8", newline="") as file:
        return [{name: typed(name, cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def test_the_rows_of_picks_csv_a_file_a_day(arrow, tmp_path):
    write_tables(days([0, 1, 3]), tmp_path, Coordinates(), parquet=True)
    files = sorted((tmp_path / FOLDER).rglob("*.parquet"))
    names = [path.parent.name.removeprefix("date=") for path in files]
    assert names == ["2022-02-05", "2022-02-06", "2022-02-07", "2022-02-08", "2022-02-09"]
    expected = read_csv(tmp_path / "picks.csv")
    rows = [row for path in files for row in arrow.dataset(path).to_table().to_pylist()]
    assert rows == expected and len(rows) == 9 and list(rows[0]) == PICK_COLUMNS
    whole = arrow.dataset(tmp_path / FOLDER, partitioning="hive").to_table()
    assert [f"{row['time']:%Y-%m-%d}" for row in expected] == [
        str(day) for day in whole.sort_by("time")["date"].to_pylist()
    ]
    before = {path: path.read_bytes() for path in files}
    write_tables(days([0, 1, 3]), tmp_path, Coordinates(), parquet=True)
    assert {path: path.read_bytes() for path in files} == before


def test_days_without_picks_go_and_a_failure_leaves_all_as_it_was(arrow, tmp_path):
    write_tables(days([0, 1]), tmp_path, Coordinates(), parquet=True)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def broken():
        yield from days([0, 2, 4])
        raise UserError("a day that cannot be read")

    with pytest.raises(UserError):
        write_tables(broken(), tmp_path, Coordinates(), parquet=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files
    assert all(list(folder.iterdir()) for folder in (tmp_path / FOLDER).iterdir())
    write_tables(days([4]), tmp_path, Coordinates(), parquet=True)
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["date=2022-02-09", "date=2022-02-10"]
    write_tables([], tmp_path, Coordinates(), parquet=True)
    assert not (tmp_path / FOLDER).exists()


def test_a_folder_whose_name_is_not_utf_8(arrow, tmp_path):
    out = tmp_path / "out\udcff"
    out.mkdir()
    write_tables(days([0]), out, Coordinates(), parquet=True)
    assert len(list(out.rglob("*.parquet"))) == 3


def test_without_arrow_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UserError, match=r"pip install 'minieqt\[parquet\]'"):
        check_installed()

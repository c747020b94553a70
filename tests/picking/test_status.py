"""What an OUT folder holds."""

from __future__ import annotations

import os

import numpy as np
import pytest
from records import START

from minieqt.cli import main, program
from minieqt.errors import UserError
from minieqt.picking.day_file import DayFile, by_day, write_day_file
from minieqt.picking.events import Event, Pick
from minieqt.picking.status import grid, odd_stations, read_status, summary, table
from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut

AT = Instrument("XX", "A", "", "HH")
PICKS = [Pick(AT, "HHZ", phase, START, 0.9, None, 0.1, 1.0) for phase in "PS"]
EVENT = Event(AT, START, START + 7, 0.9, None, *PICKS)


@pytest.fixture
def out(tmp_path):
    """Three stations, three days; XX.C lacks the second day and has a hundred events on the third."""
    folder = tmp_path / "station_days"
    folder.mkdir()
    for station in ("XX.A", "XX.B", "XX.C"):
        for day in (6, 7, 8):
            if (station, day) == ("XX.C", 7):
                continue
            count = 100 if (station, day) == ("XX.C", 8) else 2
            ledger = LeftOut()
            ledger.recorded_lengths, ledger.picked_lengths = [3 * 3600 * 10**9], [2 * 3600 * 10**9]
            result = DayFile([EVENT] * count, left_out=ledger)
            write_day_file(folder / f"{station}.2022-02-0{day}.json", {"made": "x"}, result)
    (folder / "XX.D.2022-02-06.json").write_text("{", encoding="utf-8")
    return tmp_path


def test_the_table(out):
    rows = table(read_status(out)[0]).splitlines()
    assert rows[0] == "station,day,hours_recorded,hours_picked,events,P,S"
    assert rows[1] == "XX.A,2022-02-06,3.000,2.000,2,2,2" and len(rows) == 1 + 8


def test_the_grid(out):
    stations, dates, events = grid(read_status(out)[0])
    assert stations == ["XX.A", "XX.B", "XX.C"] and dates.astype(str).tolist()[1] == "2022-02-07"
    np.testing.assert_array_equal(events, [[2, 2, 2], [2, 2, 2], [2, np.nan, 100]])


def test_what_looks_odd(out):
    days, foreign, unreadable = read_status(out)
    assert unreadable == 1 and foreign == 0
    assert odd_stations(days) == {"XX.C": pytest.approx((102 / 4) / (6 / 6))}
    assert "look at XX.C: 26 times" in summary(days) and "8 of 9 station-days, 114 events" in summary(days)


def test_a_copy_by_hand_is_not_counted(out):
    held = out / "station_days" / "XX.A.2022-02-06.json"
    held.with_name("XX.A.2022-02-06 (copy).json").write_bytes(held.read_bytes())
    days, _, unreadable = read_status(out)
    assert len(days) == 8 and unreadable == 2
    assert by_day(out / "station_days")["2022-02-06"][0] == held and len(by_day(out / "station_days")) == 3


def test_what_other_weights_made_is_not_counted(out, capsys):
    """The latest count, as in the tables: those that were written, or taken as they were, last."""
    other = out / "station_days" / "XX.B.2022-02-06.json"
    write_day_file(other, {"made": "y"}, DayFile([EVENT]))
    os.utime(other, ns=(2**62, 2**62))
    days, foreign, _ = read_status(out)
    assert [(one.station, one.events) for one in days] == [("XX.B", 1)] and foreign == 7
    os.utime(out / "station_days" / "XX.A.2022-02-06.json", ns=(2**62 + 1, 2**62 + 1))
    assert len(read_status(out)[0]) == 7
    assert main(["status", str(out)]) == 0
    assert "not counted: 1 station-days that were made with other" in capsys.readouterr().err


def test_nothing_is_there(tmp_path, capsys):
    with pytest.raises(UserError, match="holds no station-day"):
        read_status(tmp_path)
    assert program(["status", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_command(out, capsys):
    assert main(["status", str(out)]) == 0
    said = capsys.readouterr()
    assert "8 of 9 station-days" in said.out and "not counted: 1 station-days" in said.err
    assert (out / "status.png").stat().st_size > 10_000 and (out / "status.csv").exists()

"""Two services, a run that goes on, and the whole way by the command line."""

from __future__ import annotations

import re

import obspy
import pytest
from centre import DAY, RATE, Centre, station
from obspy import UTCDateTime

from minieqt.cli import main, program
from minieqt.records.archive import open_archive
from minieqt.records.selection import Selection


def fetch(centre, out, *more):
    times = ["--start", str(DAY + 43200), "--end", str(DAY + 86400 + 43200)]
    return main(["fetch", "--out", str(out), "--service", centre.address, *times, *more])


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("minieqt.fetching.service.WAIT", 0.0)


def test_the_whole_way(centre, tmp_path, capsys):
    """What is fetched is what `pick` reads; a second run asks for nothing, a longer one for what is new."""
    centre.none = {"XX.BBB..EHZ"}
    assert fetch(centre, tmp_path) == 0
    out, err = capsys.readouterr()
    assert "2 stations, 4 station-days" in out and "2 fetched, 0 were there before, 2 are not to be had" in out
    assert "no data" in err
    held = open_archive([tmp_path / "waveforms"], Selection())
    assert list(held.entries) == [("XX", "AAA")]
    assert len(centre.asked) == 4
    whole = sum((obspy.read(str(path)) for path in (tmp_path / "waveforms").rglob("*HHZ*2019*")), obspy.Stream())
    assert whole.merge()[0].stats.npts == 86400 * RATE and whole[0].data[0] == 43200 * RATE
    obspy.read_inventory(str(tmp_path / "stations.xml"))
    assert fetch(centre, tmp_path) == 0
    assert len(centre.asked) == 4 and "0 fetched, 4 were there before, 0 are" in capsys.readouterr().out
    assert fetch(centre, tmp_path, "--channels", "HN?", "--connections", "1") == 0
    assert len(centre.asked) == 6


def test_channels_with_commas_as_stations_are_given(centre, tmp_path, capsys):
    assert fetch(centre, tmp_path, "--channels", "lh?,EH?") == 0
    assert "1 stations, 2 station-days" in capsys.readouterr().out
    assert {lines[-1].split()[3] for lines in centre.asked} == {"EHZ"}


def test_what_has_not_come_yet_is_asked_for_when_it_has(centre, tmp_path, capsys, monkeypatch):
    """The ledger holds nothing that lay in the future: today is asked for again, up to the new now."""

    def fetch_at(now):
        monkeypatch.setattr("obspy.UTCDateTime", lambda *args, **more: UTCDateTime(*args, **more) if args else now)
        assert fetch(centre, tmp_path, "--stations", "BBB", "--channels", "EH?", "--start", str(DAY)) == 0
        return capsys.readouterr().err

    assert "has not come yet: up to 2019-07-04T12" in fetch_at(DAY + 43200)
    fetch_at(DAY + 80000)
    ends = [UTCDateTime(lines[-1].split()[5]) for lines in centre.asked]
    assert ends == [DAY + 43200, DAY + 80000]
    (path,) = (tmp_path / "waveforms").rglob("*EHZ*2019*")
    assert obspy.read(str(path)).merge()[0].stats.npts == 80000 * RATE


def test_what_failed_is_asked_for_again(centre, tmp_path, capsys):
    centre.faults = [503] * 5
    assert fetch(centre, tmp_path, "--connections", "1") == 0
    assert "3 fetched, 0 were there before, 0 are not to be had, 1 failed" in capsys.readouterr().out
    assert "Service" in (tmp_path / "left_out.csv").read_text()
    assert fetch(centre, tmp_path) == 0
    assert "1 fetched, 3 were there before" in capsys.readouterr().out
    assert len((tmp_path / "left_out.csv").read_text().splitlines()) == 1


def test_ctrl_c(centre, tmp_path, capsys, monkeypatch):
    """What is fetched stays; a service that is busy is not waited for."""
    monkeypatch.setattr("minieqt.fetching.service.WAIT", 1000.0)
    centre.faults = [None, 503]

    def report(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tqdm.tqdm.update", report)
    arguments = ["--start", str(DAY), "--end", str(DAY + 86400), "--connections", "2"]
    assert program(["fetch", "--out", str(tmp_path), "--service", centre.address, *arguments]) == 130
    assert "stopped; the same command goes on from here, 1 of 2 station-days are done" in capsys.readouterr().err
    assert list((tmp_path / "waveforms").rglob("*.185")) and (tmp_path / "left_out.csv").exists()


def test_a_station_that_two_services_have_is_fetched_once(centre, tmp_path):
    other = Centre([station("AAA", ".HHZ"), station("CCC", ".HHZ")])
    try:
        assert fetch(centre, tmp_path, "--service", centre.address, other.address) == 0
        assert len(centre.asked) == 4 and [lines[-1].split()[1] for lines in other.asked] == ["CCC", "CCC"]
    finally:
        other.shutdown()
        other.server_close()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--end", str(DAY)], "does not come after"),
        (["--channels", "LH?"], r"no station \*\.\* had channels LH\?"),
        (["--start", "2090-01-01", "--end", "2090-01-02"], "has not come yet"),
        (["--start", "yesterday"], "is no time such as"),
        (["--service", "http://127.0.0.1:9999", "--timeout", "1"], "cannot be reached"),
    ],
)
def test_bad_input(centre, tmp_path, capsys, more, said):
    times = ["--start", str(DAY), "--end", str(DAY + 86400)]
    arguments = ["fetch", "--out", str(tmp_path), "--service", centre.address, *times, *more]
    assert program(arguments) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert re.search(said, err)

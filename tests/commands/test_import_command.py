"""python -m minieqt import: own records and picks in, a data set out; nothing half-written."""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

from minieqt.cli import main
from minieqt.data import Augmentation, Loader, open_dataset
from minieqt.errors import UserError


@pytest.fixture(scope="module")
def imported(shared_data, tmp_path_factory):
    """The shared record and its analysts' picks, as a data set."""
    out = tmp_path_factory.mktemp("own") / "own"
    records, picks = (str(shared_data / f"PB.B204.{end}") for end in ("mseed", "csv"))
    assert main(["import", records, "--picks", picks, "--out", str(out), "--filter", "none", "--noise", "4"]) == 0
    return out.with_name("own.hdf5")


@pytest.fixture(scope="module")
def shared_data(request):
    return request.getfixturevalue("shared") / "data"


def test_there_and_back(imported, shared_data):
    stream = obspy.read(str(shared_data / "PB.B204.mseed"))
    with open_dataset(imported) as dataset:
        table = dataset.table
        assert table.earthquake.sum() == 2 and (~table.earthquake).sum() == 4 and not dataset.skipped
        picks = {"uw61815141": ("02:15:00.09", "02:15:01.21"), "uw61815151": ("02:31:29.32", "02:31:34.43")}
        for row in np.flatnonzero(table.earthquake):
            start = UTCDateTime(str(table.start_time[row]))
            for sample, time in zip((table.p_sample[row], table.s_sample[row]), picks[table.event[row]], strict=True):
                assert abs(start + sample / 100 - UTCDateTime(f"2022-02-06T{time}")) < 0.006
            for component, channel in zip(dataset.read(row), ("EH2", "EH1", "EHZ"), strict=True):
                recorded = stream.select(channel=channel)[0]
                first = round((start - recorded.stats.starttime) * 100)
                expected = recorded.data[first : first + 6000] - recorded.data.mean()
                np.testing.assert_allclose(component, expected, atol=0.01)
        batches = list(Loader(dataset, np.arange(6), 4, augmentation=Augmentation()).epoch(0))
        assert sum(len(batch.rows) for batch in batches) == 12


def test_it_is_not_replaced_by_accident(imported, shared_data):
    records, picks = (str(shared_data / f"PB.B204.{end}") for end in ("mseed", "csv"))
    with pytest.raises(UserError, match="already there: replace it with --overwrite"):
        main(["import", records, "--picks", picks, "--out", str(imported.with_suffix(""))])


def test_picks_and_records_that_do_not_meet(shared_data, tmp_path):
    picks = tmp_path / "picks.csv"
    picks.write_text("network,station,phase,time\nPB,B204,P,2020-01-01T00:00:00\nPB,B204,S,2020-01-01T00:00:05\n")
    with pytest.raises(UserError, match=r"no earthquake was cut: 2 × pick on a day without records"):
        main(["import", str(shared_data / "PB.B204.mseed"), "--picks", str(picks), "--out", str(tmp_path / "own")])
    assert [path.name for path in tmp_path.iterdir()] == ["picks.csv"]


def test_a_filter_that_is_none(shared_data, tmp_path):
    records, picks = (str(shared_data / f"PB.B204.{end}") for end in ("mseed", "csv"))
    with pytest.raises(UserError, match="two rising corners"):
        main(["import", records, "--picks", picks, "--out", str(tmp_path / "own"), "--filter", "45-1"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["import", "synth"])
def test_a_disk_that_fills_leaves_nothing(command, shared_data, tmp_path):
    """A limit on the size of files stands for the disk."""
    arguments = ["synth", "--count", "40"]
    if command == "import":
        arguments = ["import", shared_data / "PB.B204.mseed", "--picks", shared_data / "PB.B204.csv"]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    done = subprocess.run(
        [sys.executable, "-m", "minieqt", *map(str, arguments), "--out", str(tmp_path / "own")],
        preexec_fn=limit,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("header, network", [("", ""), ("network,", "PB,"), ("network,", "NA,")])
def test_a_catalogue_without_networks(shared_data, tmp_path, header, network, capsys):
    lines = [f"{network}B204,{phase},2022-02-06T02:31:{second}" for phase, second in (("P", "29.32"), ("S", "34.43"))]
    picks = tmp_path / "picks [1].csv"
    picks.write_text("\n".join([f"{header}station,phase,time", *lines, f"{network}XYZ,P,2022-02-06T02:31:30", ""]))
    arguments = ["import", str(shared_data / "PB.B204.mseed"), "--picks", str(picks), "--out", str(tmp_path / "own")]
    assert main([*arguments, "--noise", "1"]) == 0
    assert "1 × pick at a station without records; the list:" in capsys.readouterr().err
    left_out = (tmp_path / "own.left_out.csv").read_text().splitlines()
    assert len(left_out) == 2 and "XYZ" in left_out[1] and "2022-02-06T02:31:30" in left_out[1]
    with open_dataset(tmp_path / "own.hdf5") as dataset:
        assert dataset.table.earthquake.sum() == 1 and set(dataset.table.station.tolist()) == {"PB.B204"}


def test_what_of_the_records_was_of_no_use_is_in_the_list(tmp_path, rng):
    start = UTCDateTime("2022-02-06")
    header = {"network": "XX", "station": "ABC", "sampling_rate": 100.0, "starttime": start}
    for channel in ("HHE", "HHN", "HHZ", "HHX"):
        trace = obspy.Trace(rng.standard_normal(30000).astype(np.float32), header | {"channel": channel})
        trace.write(str(tmp_path / f"{channel}.mseed"), format="MSEED")
    (tmp_path / "picks.csv").write_text("network,station,phase,time\nXX,ABC,P,2022-02-06T00:02:00\n")
    files = [str(path) for path in tmp_path.glob("*.mseed")]
    assert main(["import", *files, "--picks", str(tmp_path / "picks.csv"), "--out", str(tmp_path / "own")]) == 0
    left_out = (tmp_path / "own.left_out.csv").read_text().splitlines()
    assert len(left_out) == 2 and "XX.ABC..HHX" in left_out[1] and "no component" in left_out[1]

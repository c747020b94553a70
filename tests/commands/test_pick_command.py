"""python -m minieqt pick and convert: results, resuming, and mistakes in words."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import cupy_stand_in
import numpy as np
import obspy
import pytest
import tqdm
from obspy import UTCDateTime

from minieqt import backend, cli
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.picking import run as picking_run
from minieqt.picking.results import Picks
from minieqt.records import archive as archive_module
from minieqt.records import header_index
from minieqt.weights import load_weights, locate, save_weights

TABLES = {
    "X_prediction_results.csv",
    "association.csv",
    "association_gamma.csv",
    "left_out.csv",
    "picks.csv",
    "picks.xml",
}
OPTIONS = ("--detection-threshold", "0.3", "--filter", "1-20")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.h5"
    save_weights(path, EQTransformer(lstm_blocks=1, length=256))
    return path


@pytest.fixture
def records(tmp_path):
    """Two days of the example that ObsPy brings along, a minute before and after midnight."""
    midnight = UTCDateTime("2022-02-07T00:00:00")
    for number, start in enumerate((midnight - 60, midnight + 20)):
        stream = obspy.read()
        for one in stream:
            one.stats.starttime = start
        (tmp_path / "in").mkdir(exist_ok=True)
        stream.write(str(tmp_path / "in" / f"{number}.mseed"), format="MSEED", encoding="FLOAT64")
    return tmp_path / "in"


def start(records, weights, *more):
    out = records.parent / "out"
    assert cli.main(["pick", str(records), "--weights", str(weights), "--out", str(out), *OPTIONS, *more]) == 0
    return out


def files(folder):
    """All of them but the index of headers, which is a memory and no result."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name != header_index.NAME]


def contents(folder):
    return {path.name: path.read_bytes() for path in files(folder) if path.parent == folder}


def test_results_and_resuming(records, weights, capsys, monkeypatch):
    out = start(records, weights)
    first = contents(out)
    assert set(first) == TABLES and "station-days: 2 picked, 0 taken" in capsys.readouterr().out
    assert len(list((out / "station_days").iterdir())) == 2
    with monkeypatch.context() as patch:
        patch.setattr(picking_run, "station_day", None)  # nothing is to be picked again
        assert contents(start(records, weights)) == first
    assert "station-days: 0 picked, 2 taken" in capsys.readouterr().out
    start(records, weights, "--overlap", "0.6")  # other settings: everything again
    assert "station-days: 2 picked, 0 taken" in capsys.readouterr().out
    (out / "station_days" / "BW.RJOB.2022-02-06.json").write_text('{"made":')  # half a file: that day again
    assert contents(start(records, weights, "--overlap", "0.6")).keys() == TABLES
    assert "station-days: 1 picked, 1 taken" in capsys.readouterr().out
    os.utime(records / "1.mseed", (0, 0))  # a file has changed: both days see it
    start(records, weights, "--overlap", "0.6")
    assert "station-days: 2 picked, 0 taken" in capsys.readouterr().out


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_two_runs_into_one_folder(records, weights, capsys):
    """The tables hold both, whichever came last; what would be lost is refused, and other settings are told apart."""
    days = [("--end", "2022-02-07"), ("--start", "2022-02-07T00:10:00")]
    stream = obspy.read(str(records / "1.mseed"))
    for one in stream:
        one.stats.starttime += 3600
    stream.write(str(records / "1.mseed"), format="MSEED", encoding="FLOAT64")
    whole = rows(start(records, weights) / "picks.csv")
    shutil.rmtree(records.parent / "out")
    start(records, weights, *days[0])
    out = start(records, weights, *days[1])
    assert rows(out / "picks.csv") == whole and len({row["time"][:10] for row in whole}) == 2
    assert "1 of other runs" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"2022-02-07 from another stretch of that day, which would be lost"):
        start(records, weights, "--start", "2022-02-07T01:00:30")
    (records / "2.mseed").write_bytes((records / "1.mseed").read_bytes())
    with pytest.raises(UserError, match=r"from other files, such as .*1.mseed, which would be lost"):
        cli.main(["pick", str(records / "2.mseed"), "--weights", str(weights), "--out", str(out), *OPTIONS])
    start(records, weights, *days[0], "--overlap", "0.6")
    assert {row["time"][:10] for row in rows(out / "picks.csv")} == {"2022-02-06"}
    assert "1 station-days in" in capsys.readouterr().err


def test_day_by_day_into_one_folder(records, weights, capsys):
    """A day ends where the next begins: neither is picked twice, and none is refused."""
    stream = obspy.read(str(records / "0.mseed"))
    for one in stream:
        one.stats.starttime = UTCDateTime("2022-02-07T00:00:00") - 15
    stream.write(str(records / "0.mseed"), format="MSEED", encoding="FLOAT64")
    out = start(records, weights, "--end", "2022-02-07")
    assert [path.name for path in (out / "station_days").iterdir()] == ["BW.RJOB.2022-02-06.json"]
    start(records, weights, "--start", "2022-02-07", "--end", "2022-02-08")
    assert "station-days: 1 picked, 0 taken as they were, 1 of other runs" in capsys.readouterr().out


def test_everything_is_accounted_for(records, weights, capsys):
    (records / "empty.mseed").touch()
    stream = obspy.read(str(records / "0.mseed"))
    stream[0].data[500:1500] = 7
    stream[1].stats.channel = "EHQ"
    stream.write(str(records / "0.mseed"), format="MSEED", encoding="FLOAT64")
    out = start(records, weights)
    told = capsys.readouterr()
    assert "1 × empty file (empty.mseed)" in told.err and "1 × one value repeated (10 s)" in told.err
    assert "0.050 read, 0.039 picked, 0.011 left out" in told.out
    left = rows(out / "left_out.csv")
    assert sum(float(row["seconds"] or 0) for row in left) == pytest.approx(40)
    assert {row["id"] for row in left} == {"", "BW.RJOB..EHQ", "BW.RJOB..EHZ"}
    assert contents(start(records, weights)) == contents(out)


def test_interrupted(records, weights, monkeypatch, capsys):
    """Stopped in the second day: the first is kept, and the end is the same as without a stop."""
    whole = contents(start(records, weights))
    for path in (records.parent / "out").rglob("*"):
        if path.is_file():
            path.unlink()
    real, calls = picking_run.station_day, []

    def once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(picking_run, "station_day", once)
        with pytest.raises(KeyboardInterrupt):
            start(records, weights)
    assert [path.name for path in files(records.parent / "out")] == ["BW.RJOB.2022-02-06.json"]
    capsys.readouterr()
    assert contents(start(records, weights)) == whole
    assert "station-days: 1 picked, 1 taken" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(picking_run, "station_day", once)
        calls.clear()
        with pytest.raises(KeyboardInterrupt):
            start(records, weights, "--overlap", "0.6")
    start(records, weights)  # the days that other settings had begun with are picked again
    assert "station-days: 2 picked, 0 taken" in capsys.readouterr().out


@pytest.mark.parametrize("pool", [["--workers", "1"], ["--workers", "2"], ["--dask", "local", "--workers", "2"]])
def test_a_real_ctrl_c(records, weights, pool):
    """One line, exit code 130, no half files; a day that was done stays done."""
    stream = obspy.read(str(records / "1.mseed"))
    for one in stream:  # the second day takes a while, and the first knows nothing of it
        one.data = np.tile(one.data, 100)
        one.stats.starttime += 43200
    stream.write(str(records / "1.mseed"), format="MSEED", encoding="FLOAT64")
    out = records.parent / "out"
    command = [sys.executable, "-m", "minieqt", "pick", records, "--weights", weights, "--out", out]
    more = ["--uncertainty", "20", "--batch-size", "8", "--threads", "1", *pool]
    pipe = subprocess.PIPE
    # Tests that run in the background inherit an ignored SIGINT. A terminal sends it to all processes of a group.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    group = {"preexec_fn": heard, "start_new_session": True}
    process = subprocess.Popen([*command, *more], stdout=pipe, stderr=pipe, text=True, **group)
    try:
        while not (out / "station_days" / "BW.RJOB.2022-02-06.json").exists():
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert said == "minieqt: stopped; the same command goes on from here, 1 of 2 station-days are done\n"
    assert [path.name for path in files(out)] == ["BW.RJOB.2022-02-06.json"]


@pytest.fixture
def network(records):
    """Twelve station-days: six stations, two days each, one with a gap."""
    for path in records.iterdir():
        stream = obspy.read(str(path))
        for number in range(1, 6):
            for one in stream.select(station="RJOB").copy():
                one.stats.station, one.data = f"S{number}", np.roll(one.data, 100 * number)
                stream.append(one)
        stream.write(str(path), format="MSEED", encoding="FLOAT64")
    return records


def test_the_same_bytes_from_several_workers(network, weights, capsys):
    whole = contents(start(network, weights, "--picks", "all"))
    assert whole["picks.csv"].count(b"\n") > 12 and whole["picks.xml"].count(b"<event ") >= 12
    for workers in ("2", "4"):
        shutil.rmtree(network.parent / "out")
        capsys.readouterr()
        assert contents(start(network, weights, "--picks", "all", "--workers", workers)) == whole
        assert "station-days: 12 picked, 0 taken" in capsys.readouterr().out


def kill_one(out, pids):
    """Kill one of some processes once a first station-day is done."""
    while not list(out.glob("station_days/*.json")):
        time.sleep(0.01)
    os.kill(pids()[0], signal.SIGKILL)


@pytest.mark.parametrize("pool", [["--workers", "2"], ["--dask", "local", "--workers", "2"]])
def test_a_worker_is_killed(network, weights, pool, capsys):
    """Its station-day is done again by another: the same bytes, and nobody is left behind."""
    pytest.importorskip("distributed")
    whole = contents(start(network, weights, "--uncertainty", "2"))
    out = network.parent / "out"
    shutil.rmtree(out)

    def workers():
        mine = [pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]
        return [int(pid) for pid in mine if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    killer = threading.Thread(target=kill_one, args=(out, workers), daemon=True)
    killer.start()
    assert contents(start(network, weights, "--uncertainty", "2", *pool)) == whole
    killer.join(1)
    assert not killer.is_alive() and len(list(out.glob("station_days/*.json"))) == 12  # and perhaps a partial one
    assert not workers()


@pytest.fixture
def sds(tmp_path):
    """Three stations and days in an SDS in which much is wrong, and a file beside it."""
    first = UTCDateTime("2022-02-06")

    def put(station, day, channel, data, named=None):
        date = first + 86400 * day
        name = f"XX.{named or station}..{channel}.D.{date.year}.{date.julday:03d}"
        path = tmp_path / f"in/{date.year}/XX/{named or station}/{channel}.D/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def records(station, at, channel="EHZ", seconds=30, rate=100.0):
        one = obspy.read()[0]
        header = {"network": "XX", "station": station, "channel": channel, "starttime": at, "sampling_rate": rate}
        one = obspy.Trace(np.roll(one.data, round(at.timestamp) % 3000)[: round(seconds * rate)], header)
        one.write(held := io.BytesIO(), format="MSEED", reclen=512, encoding="FLOAT64")
        return held.getvalue()

    for day in range(3):
        for station in ("A", "B"):
            put(station, day, "EHZ", records(station, first + 86400 * day + 3600))
    noon = first + 43200
    put("A", 0, "EHN", records("A", noon) + records("A", first + 86400 - 10))  # goes on after midnight
    put("B", 0, "EHN", b"rubbish" * 100 + records("B", noon))
    put("B", 1, "EHN", records("A", noon + 86400, "EHN"))  # another's
    put("B", 2, "EHE", records("B", noon) + records("B", noon - 5 * 86400))  # of other days, one of them far away
    put("B", 2, "LHZ", records("B", noon + 2 * 86400, "LHZ", 600, 1.0))  # a rate that is of no use
    put("C", 1, "EHZ", records("C", first + 86400 * 2 - 5))  # more of it the day after, of which there is no file
    put("D", 1, "EHZ", b"")
    put("E", 1, "EHZ", b"nothing to hear")
    (tmp_path / "in" / "other").write_bytes(records("A", noon + 100, "EHE"))
    return tmp_path / "in"


@pytest.mark.parametrize("chosen", [[], ["--start", "2022-02-06T12:00:10", "--end", "2022-02-07T23:59:57"]])
def test_an_sds_is_read_when_its_day_comes(sds, weights, chosen, monkeypatch, capsys):
    """Whatever is in it, what comes out is what comes out of files that tell nothing by their names."""
    out = sds.parent / "out"
    with monkeypatch.context() as patch:
        patch.setattr(archive_module, "named_day", lambda name: None)  # all headers first
        whole = contents(start(sds, weights, *chosen))
        told = capsys.readouterr()
        made = {path.name: path.read_bytes() for path in (out / "station_days").iterdir()}
    shutil.rmtree(out)
    assert len(made) == (5 if chosen else 9) and whole["picks.csv"].count(b"\n") > 10
    for known in ("nothing", "all", "lost", "damaged"):
        if known == "lost":
            (out / header_index.NAME).unlink()
        if known == "damaged":
            (out / header_index.NAME).write_bytes(b"no index")
        with monkeypatch.context() as patch:
            if known == "all":
                patch.setattr(archive_module, "contents_of", None)  # no file is looked at again
            assert contents(start(sds, weights, *chosen)) == whole
        assert {path.name: path.read_bytes() for path in (out / "station_days").iterdir()} == made
        said = capsys.readouterr()
        count = f"{len(made)} picked, 0 taken" if known == "nothing" else f"0 picked, {len(made)} taken"
        assert said.err == told.err and count in said.out


def test_station_days_are_counted_by_what_files_hold(tmp_path, weights, monkeypatch):
    """Not by their names: of four of 2022-02-06 and after, one is of its day, and the others of none or of that day."""
    first = UTCDateTime("2022-02-06")
    for day in range(4):
        one = obspy.read()[0]
        one.stats.update({"network": "XX", "station": "A", "channel": "EHZ", "starttime": first + 3600})
        path = tmp_path / f"in/2022/XX/A/EHZ.D/XX.A..EHZ.D.2022.{(first + 86400 * day).julday:03d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        one.write(str(path), format="MSEED", encoding="FLOAT64") if day < 2 else path.write_bytes(b"")
    bars = []

    class Bar(tqdm.tqdm):
        def close(self):
            bars.append(self.total)
            super().close()

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    start(tmp_path / "in", weights)
    assert bars[-1] == 1


def test_parquet_is_kept_with_the_tables(records, weights):
    """By any number of workers, and without being asked again."""
    pytest.importorskip("pyarrow", reason="Arrow is not installed (extra parquet)")

    def found(out):
        return {path.parent.name: path.read_bytes() for path in (out / "picks.parquet").glob("*/*")}

    whole = found(start(records, weights, "--parquet", "--picks", "all"))
    shutil.rmtree(records.parent / "out")
    out = start(records, weights, "--parquet", "--picks", "all", "--workers", "2", "--end", "2022-02-07")
    start(records, weights, "--picks", "all")
    assert found(out) == whole and whole


def test_more_to_write(records, weights):
    more = ("--probabilities", "--plots", "1", "--uncertainty", "2", "--seed", "3", "--station", "BW.*")
    out = start(records, weights, *more)
    probabilities = obspy.read(str(out / "probabilities" / "BW.RJOB..EH.2022-02-06.mseed"))
    assert sorted(one.stats.channel for one in probabilities) == ["DET", "P", "S"]
    assert all(one.stats.npts == 3000 for one in probabilities)
    parts = [json.loads(path.read_text()) for path in (out / "station_days").iterdir()]
    assert len(list((out / "plots").glob("*.png"))) == sum(len(part["events"]) > 0 for part in parts) > 0
    with (out / "X_prediction_results.csv").open() as file:
        assert all(row["detection_uncertainty"] for row in csv.DictReader(file))


def test_nothing_of_other_settings_stays(records, weights, capsys):
    """A station-day that is picked again loses what it had; what other settings made counts nowhere."""
    stream = obspy.read(str(records / "0.mseed"))
    for one in stream:
        one.stats.starttime -= 2 * 86400
    stream.write(str(records / "0.mseed"), format="MSEED", encoding="FLOAT64")
    more = ("--probabilities", "--plots", "1")
    out = start(records, weights, *more)
    assert len(list((out / "probabilities").iterdir())) == len(list((out / "plots").iterdir())) == 2
    start(records, weights, "--overlap", "0.6", "--end", "2022-02-06")
    kept = [path.name for folder in ("probabilities", "plots") for path in (out / folder).iterdir()]
    assert len(kept) == 2 and all("2022-02-07" in name for name in kept)
    start(records, weights, *more, "--start", "2022-02-06")
    assert "station-days: 0 picked, 1 taken" in capsys.readouterr().out
    assert cli.main(["status", str(out)]) == 0
    told = capsys.readouterr()
    assert "2022-02-07: 1 of 1 station-days" in told.out and "not counted: 1 station-days that" in told.err


def test_instruments(records, weights, capsys):
    """The best one of a station, or all of them."""
    for path in records.iterdir():
        stream = obspy.read(str(path))
        for one in stream.copy().select(component="Z"):
            one.stats.channel = "HHZ"
            stream.append(one)
        stream.write(str(path), format="MSEED")
    for which, expected in (("best", {"EH"}), ("all", {"EH", "HH"})):
        out = start(records, weights, "--instruments", which, "--probabilities")
        with (out / "picks.csv").open() as file:
            assert {row["band"] for row in csv.DictReader(file)} == expected
        names = {path.name.split(".")[3] for path in (out / "probabilities").iterdir()}
        assert names == expected
        assert "station-days: 2 picked" in capsys.readouterr().out


def test_real_record(shared, tmp_path):
    files = [str(shared / "data" / "PB.B204.mseed"), "--weights", str(shared / "weights" / "eqt_conservative.npz")]
    times = ["--start", "2022-02-06T02:25", "--end", "2022-02-06T02:40", "--station", "B204"]
    assert cli.main(["pick", *files, "--out", str(tmp_path), *times, "--plots", "1"]) == 0
    (event,) = obspy.read_events(str(tmp_path / "picks.xml"))
    p, s = event.picks
    assert abs(p.time - UTCDateTime("2022-02-06T02:31:29.32")) <= 0.2 and p.waveform_id.channel_code == "EHZ"
    assert abs(s.time - UTCDateTime("2022-02-06T02:31:34.43")) <= 0.3 and 0 < s.time_errors.uncertainty < 1
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["PB.B204..EH.2022-02-06T023129.png"]


def test_example(shared, tmp_path, capsys):
    weights = shared / "weights" / "eqt_conservative.npz"
    assert cli.main(["pick", "--example", "--weights", str(weights), "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "P 2009-08-24T00:20:07" in out and "S 2009-08-24T00:20:08" in out
    assert (tmp_path / "example.png").stat().st_size > 10_000


def test_own_weights_by_default(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locate, "OWN", tmp_path / "own.h5")
    with pytest.raises(UserError, match="own weights are not in this copy"):
        cli.main(["pick", "--example"])
    save_weights(locate.OWN, EQTransformer(lstm_blocks=1))
    assert cli.main(["pick", "--example"]) == 0
    assert "minieqt's own weights: minieqt; 1 BiLSTM" in capsys.readouterr().out
    assert Path("example/example.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name files or folders"),
        (["{records}", "--example"], "name files or folders"),
        (["{records}"], "--out DIR is needed"),
        (["{records}", "--weights", "stedd", "--out", "o"], "names? of published weights: original"),
        (["{records}", "--weights", "nothing.h5", "--out", "o"], "nothing.h5: no such file"),
        (["{records}", "--weights", "{records}/0.mseed", "--out", "o"], "no weight file"),
        (["nowhere", "--weights", "{weights}", "--out", "o"], "nowhere: no such file or folder"),
        (["{weights}", "--weights", "{weights}", "--out", "o"], "no waveforms that ObsPy reads"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--filter", "5"], "two corners"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--filter", "9-2"], "rising corners"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--filter", "60-80"], r"the lower one below 49\.5 Hz"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--start", "soon"], "is no time"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--start", "2030-01-01"], "no waveforms found"),
        ("{records} --weights {weights} --out o --start 2023-01-02 --end 2023-01-02".split(), "does not come after"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--blind", "100"], "blind at most"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--stations", "{weights}"], "no inventory"),
        (["{records}", "--weights", "{weights}", "--out", "o", "--component-order", "ABC"], "component order"),
    ],
)
def test_refuses_in_words(arguments, words, records, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        cli.main(["pick", *(text.format(records=records, weights=weights) for text in arguments)])


def test_convert(weights, tmp_path, capsys):
    npz, again = str(tmp_path / "w.npz"), str(tmp_path / "again.h5")
    for names in ("keras", "seisbench"):
        assert cli.main(["convert", str(weights), npz, "--names", names, "--overwrite"]) == 0
        assert cli.main(["convert", npz, again, "--overwrite"]) == 0
        assert load_weights(again).vector.tobytes() == load_weights(weights).vector.tobytes()
        assert load_weights(again).config == load_weights(weights).config
    with pytest.raises(UserError, match="already there"):
        cli.main(["convert", str(weights), npz])
    with pytest.raises(UserError, match=r"must end in \.h5"):
        cli.main(["convert", str(weights), str(tmp_path / "w.pt")])


def test_seven_uneven_files(shared, tmp_path):
    """However a record is cut into files, overlapping or not, the tables are the same to the letter."""
    time = UTCDateTime("2022-02-06T02:31:29")
    record = obspy.read(shared / "data" / "PB.B204.mseed").slice(time - 600, time + 600)
    start = record[0].stats.starttime
    edges = [start + seconds for seconds in (0, 61.237, 300, 333.3, 588.01, 603.5, 1100, 9999)]
    (tmp_path / "cut").mkdir()
    for number, (first, last) in enumerate(pairwise(edges)):
        part = record.slice(first - (30 if number % 2 else 0), last)
        part.write(str(tmp_path / "cut" / f"{7 - number}.mseed"), format="MSEED")
    record.write(str(tmp_path / "whole.mseed"), format="MSEED")
    weights = str(shared / "weights" / "eqt_conservative.npz")
    for source, out in (("cut", "a"), ("whole.mseed", "b")):
        assert cli.main(["pick", str(tmp_path / source), "--weights", weights, "--out", str(tmp_path / out)]) == 0
    cut, whole = (contents(tmp_path / out) for out in "ab")
    twice = cut.pop("left_out.csv").decode().splitlines()[1:]  # what two files hold is read once, and said
    assert twice and all(line.endswith("recorded twice") for line in twice)
    assert b"PB" not in whole.pop("left_out.csv")
    assert cut == whole
    assert (tmp_path / "a" / "picks.csv").read_text().count("\n") == 3


def test_on_a_pretended_gpu(records, weights, monkeypatch):
    with backend.using("readable"):
        right = contents(start(records, weights))
        shutil.rmtree(records.parent / "out")
        cupy_stand_in.install(monkeypatch)
        found = contents(start(records, weights, "--device", "cuda"))
    assert found["picks.csv"] == right["picks.csv"] and right["picks.csv"].count(b"\n") > 1


@pytest.mark.gpu
def test_on_a_gpu(gpu, shared, tmp_path):
    """The processor's picks: the same ones, to a sample, and their probabilities to what float32 leaves of them."""
    weights, found = str(shared / "weights" / "eqt_conservative.npz"), []
    for device in ("cpu", "cuda"):
        arguments = [str(shared / "data" / "PB.B204.mseed"), "--weights", weights, "--device", device]
        assert cli.main(["pick", *arguments, "--out", str(tmp_path / device)]) == 0
        found.append(Picks.from_csv(tmp_path / device / "picks.csv"))
    assert len(found[0]) == len(found[1]) > 0
    for ours, theirs in zip(*found, strict=True):
        assert ours.phase == theirs.phase and abs(ours.time - theirs.time) <= 0.01
        assert ours.probability == pytest.approx(theirs.probability, abs=1e-2)


def test_a_gpu_that_is_not_there(records, weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(UserError, match="a GPU needs CuPy"):
        start(records, weights, "--device", "cuda")

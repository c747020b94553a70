"""Noise out of a package's records: resampled, in order, without earthquakes, and a package that is not there."""

from __future__ import annotations

import io
from zipfile import ZipFile

import numpy as np
import pytest
from obspy import Stream, Trace, UTCDateTime

from minieqt import load_weights
from minieqt.data import open_dataset
from minieqt.errors import UserError
from minieqt.weights.locate import OWN
from recipes.package_noise import RECORDS, cut, main, screened, windows_of

START = UTCDateTime("2020-01-01T00:00:00")


def stream_of(rng, rate, seconds, components="ENZ"):
    """Noise of one station; Z starts two seconds late."""
    traces = []
    for component in components:
        late = 2 if component == "Z" else 0
        header = {"station": "ABC", "network": "XX", "channel": f"EH{component}", "sampling_rate": rate}
        data = rng.standard_normal(int((seconds - late) * rate)) + 100
        traces.append(Trace(data, {**header, "starttime": START + late}))
    return Stream(traces)


def wheel(folder, package, records):
    """A wheel that holds records under these paths, and something else."""
    with ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as file:
        for path, stream in records.items():
            buffer = io.BytesIO()
            stream.write(buffer, format="MSEED")
            file.writestr(path, buffer.getvalue())
        file.writestr(f"{package}/SampleHVSRSite01.json", "{}")


def test_windows_begin_where_all_components_have_and_are_at_100_hz(rng):
    windows = list(cut(stream_of(rng, 128.0, 200), "SITE01", 60))
    assert [row["trace_name"] for row, _ in windows] == [
        f"SITE01.XX_2020010100{t}_NO" for t in ("0002", "0102", "0202")
    ]
    for row, x in windows:
        assert row["trace_category"] == "noise" and x.shape == (3, 6000) and x.dtype == np.float32
        np.testing.assert_allclose(x.mean(axis=-1), 0, atol=1e-4)
        assert (x.std(axis=-1) > 0.5).all()


def test_a_wave_keeps_its_time(rng):
    stream = stream_of(rng, 128.0, 130)
    for trace in stream:
        trace.data = np.sin(2 * np.pi * 2 * (trace.times() + (trace.stats.starttime - START)))
    for _, x in cut(stream, "SITE01", 60):
        wave = np.sin(2 * np.pi * 2 * (2 + np.arange(6000) / 100))
        np.testing.assert_allclose(x[:, 100:-100], np.stack([wave] * 3)[:, 100:-100], atol=0.02)


def test_an_absent_component_is_zero(rng):
    ((_, x),) = cut(stream_of(rng, 100.0, 70, "Z"), "UV05", 60)
    assert not x[:2].any() and x[2].any()


def test_a_gap_is_refused(rng):
    stream = stream_of(rng, 100.0, 130)
    stream += stream.copy().trim(START + 100)
    stream[0].trim(endtime=START + 90)
    with pytest.raises(UserError, match="gap"):
        list(cut(stream, "SITE01", 60))


def test_both_sets_are_written_without_copies_and_earthquakes(rng, tmp_path, capsys):
    record = stream_of(rng, 100.0, 185)
    paths = ("a/SampleHVSRSite01.MSEED", "b/SampleHVSRSite03.mseed", "b/SampleHVSRSite13.MSEED")
    wheel(tmp_path, "sprit", dict.fromkeys(paths, record))
    wheel(tmp_path, "msnoise", {"m/2010/UV05/HHZ.D/YA.UV05.00.HHZ.D.2010.244": stream_of(rng, 100.0, 1265, "Z")})
    options = [str(tmp_path), "--out", str(tmp_path / "sets"), "--screen", str(OWN)]
    assert main(options) == 0
    assert "noise_chicago: 6 windows" in capsys.readouterr().out
    with open_dataset([tmp_path / "sets" / f"{records.name}.hdf5" for records in RECORDS]) as dataset:
        assert not dataset.table.earthquake.any()
        assert set(dataset.table.station.tolist()) == {"XX.SITE01", "XX.SITE03", "XX.UV05"}
    with pytest.raises(UserError, match="--overwrite"):
        main(options)
    assert main([*options, "--overwrite"]) == 0


def test_a_window_that_a_network_takes_for_an_earthquake_goes(shared, rng):
    with open_dataset(shared / "data" / "stead50.hdf5") as dataset:
        earthquake = dataset.read(0)
    noise = rng.standard_normal((3, 6000)).astype(np.float32)
    model = load_weights()
    assert [row for row, _ in screened([("quake", earthquake), ("noise", noise)], [model])] == ["noise"]


def test_a_wheel_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="should hold one wheel of sprit, and holds 0"):
        main([str(tmp_path), "--out", str(tmp_path), "--screen", str(OWN)])


def test_records_are_known_by_their_paths(tmp_path, rng):
    wheel(tmp_path, "sprit", {"x/SampleHVSRSite13.mseed": stream_of(rng, 100.0, 70)})
    assert not list(windows_of(next(tmp_path.glob("*.whl")), RECORDS[0]))

"""STEAD's two trees, the CSV's traps, and what is said about files that cannot be used."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from minieqt import backend
from minieqt.data import Loader, open_dataset
from minieqt.data.table import BadTrace
from minieqt.errors import UserError

HEADER = "trace_name,trace_category,p_arrival_sample,s_arrival_sample,coda_end_sample,snr_db,source_id\n"


def csv_of(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(header + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


# -- the pair of files -------------------------------------------------------------------------------------


def test_the_flat_tree(write, rng):
    samples = rng.standard_normal((6000, 3)).astype(np.float32)
    with open_dataset(*write({"A.XX_1_EV": {"samples": samples}, "A.XX_2_NO": {}})) as dataset:
        assert len(dataset) == 2 and not dataset.skipped and dataset.report() == ""
        x = dataset.read(0)
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x, samples.T)


@pytest.mark.parametrize("column", ["trace_sampling_rate_hz", "sampling_rate", "trace_dt_s"])
@pytest.mark.parametrize("rate", [40, 50, 200])
def test_another_sampling_rate(tmp_path, column, rate):
    """A slow wave is the same in seconds, its arrivals move with it, and a trace at 100 Hz beside it stays."""
    wave = lambda hz, n: np.sin(2 * np.pi * 1.5 * np.arange(n) / hz)[:, None] * [1, 2, 3]  # noqa: E731
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["data/A.XX_1_EV"] = wave(rate, 60 * rate).astype(np.float32)
        file["data/A.XX_2_EV"] = wave(100, 6000).astype(np.float32)
    says = [str(1 / rate), "0.01"] if column == "trace_dt_s" else [str(rate), ""]
    header = f"{HEADER.strip()},{column}\n"
    rows = [f"A.XX_1_EV,,{10 * rate},{15 * rate},{20 * rate},,,{says[0]}", f"A.XX_2_EV,,700,900,,,,{says[1]}"]
    with open_dataset(tmp_path / "a.hdf5", csv_of(tmp_path, *rows, header=header)) as dataset:
        assert dataset.table.p_sample.tolist() == [1000, 700] and dataset.table.s_sample.tolist() == [1500, 900]
        assert dataset.table.coda_end[0] == 2000
        both = np.empty((2, 3, 6000), np.float32)
        assert not dataset.read_into(np.arange(2), both)
        np.testing.assert_allclose(both[0, :, 100:-100], wave(100, 6000).T[:, 100:-100], atol=0.02)
        np.testing.assert_array_equal(both[1], wave(100, 6000).T.astype(np.float32))


@pytest.mark.parametrize("shape", [(6000,), (6000, 1)])
def test_one_component_is_the_vertical(write, rng, shape):
    samples = rng.standard_normal(6000).astype(np.float32)
    with open_dataset(*write({"A.XX_1_EV": {"samples": samples.reshape(shape)}})) as dataset:
        np.testing.assert_array_equal(dataset.read(0), [np.zeros(6000), np.zeros(6000), samples])


@pytest.mark.parametrize("samples", [b"text", 3.0, np.zeros((6000, 2)), np.zeros((3, 6000)), np.zeros(0)])
@pytest.mark.parametrize("rate", [100, 50])
def test_what_is_no_trace(tmp_path, samples, rate):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["data/A.XX_1_EV"] = samples
    header = f"{HEADER.strip()},sampling_rate\n"
    with (
        open_dataset(tmp_path / "a.hdf5", csv_of(tmp_path, f"A.XX_1_EV,,700,900,,,,{rate}", header=header)) as dataset,
        pytest.raises(BadTrace, match="has shape"),
    ):
        dataset.read(0)


def test_the_readable_mode_needs_no_kernel(write, rng, monkeypatch):
    samples = rng.standard_normal((6000, 3)).astype(np.float32)
    both = np.empty((1, 3, 6000), np.float32)
    with open_dataset(*write({"A.XX_1_EV": {"samples": samples}})) as dataset, backend.using("readable"):
        monkeypatch.setattr("minieqt.data.stead.kernel_module", lambda name: pytest.fail(name))
        assert not dataset.read_into(np.arange(1), both)
    np.testing.assert_array_equal(both[0], samples.T)


def test_a_rate_that_cannot_be(write):
    hdf5, _ = write({"A.XX_1_EV": {}, "A.XX_2_EV": {}})
    csv_path = hdf5.with_suffix(".csv")
    header = f"{HEADER.strip()},trace_sampling_rate_hz\n"
    csv_path.write_text(f"{header}A.XX_1_EV,,700,900,,,,0.01\nA.XX_2_EV,,700,900,,,,100\n", encoding="utf-8")
    with open_dataset(hdf5, csv_path) as dataset:
        assert dataset.table.name.tolist() == ["A.XX_2_EV"]
        assert dataset.skipped == {"sampling rate of 0.01 Hz": 1}


def test_rows_that_are_not_in_the_hdf5_file(write):
    hdf5, csv_path = write({f"A.XX_{i}_EV": {} for i in range(4)})
    with h5py.File(hdf5, "a") as file:
        del file["data/A.XX_1_EV"], file["data/A.XX_3_EV"]
    with open_dataset(hdf5, csv_path) as dataset:
        assert dataset.table.name.tolist() == ["A.XX_0_EV", "A.XX_2_EV"]
        assert dataset.skipped == {"in the CSV but not in the HDF5 file": 2}
        assert "2 rows left out: 2 × in the CSV but not in the HDF5 file (first A.XX_1_EV)" in dataset.report()
        dataset.read(1)


def test_files_that_do_not_belong_together(write):
    hdf5, csv_path = write({"A.XX_1_EV": {}, "A.XX_2_EV": {}})
    csv_path.write_text(csv_path.read_text().replace("A.XX", "B.XX"))
    with pytest.raises(UserError, match=r"none of the 2 traces .*first missing: B.XX_1_EV"):
        open_dataset(hdf5, csv_path)


def test_missing_and_broken_files(write, tmp_path):
    hdf5, csv_path = write({"A.XX_1_EV": {}})
    with pytest.raises(UserError, match=r"nowhere.hdf5 does not exist; give the HDF5 file"):
        open_dataset(tmp_path / "nowhere.hdf5", csv_path)
    with pytest.raises(UserError, match=r"nowhere.csv does not exist; give the CSV file"):
        open_dataset(hdf5, tmp_path / "nowhere.csv")
    (tmp_path / "half.hdf5").write_bytes(hdf5.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be opened as HDF5") as caught:
        open_dataset(tmp_path / "half.hdf5", csv_path)
    assert "\n" not in str(caught.value)
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file.create_group("waveforms")
    with pytest.raises(UserError, match="neither the group data nor earthquake/local"):
        open_dataset(tmp_path / "other.hdf5", csv_path)


def test_bad_traces(write):
    bad = np.zeros((6000, 3), np.float32)
    bad[17, 1] = np.nan
    with open_dataset(*write({"A_EV": {"samples": bad}, "B_EV": {"samples": np.zeros((3000, 3))}})) as dataset:
        for row, reason in enumerate(["NaN or infinity", "wrong shape"]):
            with pytest.raises(BadTrace) as caught:
                dataset.read(row)
            assert caught.value.reason == reason


@pytest.mark.parametrize("read_before", [False, True])
def test_a_file_that_changes_under_its_index(write, read_before):
    """Traces stand elsewhere in it, or nowhere: neither a wrong window nor a crash."""
    paths = write({f"A.XX_{i}_EV": {} for i in range(9)})
    out = np.empty((9, 3, 6000), np.float32)
    with open_dataset(*paths) as dataset:
        if read_before:
            assert dataset.read_into(np.arange(9), out) == {}
        with h5py.File(paths[0], "a") as file:
            del file["data/A.XX_3_EV"]
            file["data/new"] = np.zeros((6000, 3), np.float32)
        for read in (lambda: dataset.read(3), lambda: dataset.read_into(np.arange(9), out)):
            with pytest.raises(UserError, match=r"small.hdf5 has changed since it was opened"):
                read()
        paths[0].write_bytes(b"")
        with pytest.raises(UserError, match=r"small.hdf5 has changed since it was opened"):
            dataset.read(8)


def test_another_file_in_its_place(write):
    """Whoever has begun to read goes on with the old file."""
    paths = write({"A.XX_1_EV": {}, "A.XX_2_EV": {}})
    with open_dataset(*paths) as dataset:
        before = dataset.read(1)
        write({"A.XX_1_EV": {}})
        np.testing.assert_array_equal(dataset.read(1), before)


def test_a_trace_that_vanished_is_counted(write):
    """Stored in chunks, it is looked for by its name."""
    paths = write({f"A.XX_{i}_EV": {} for i in range(4)})
    with h5py.File(paths[0], "a") as file:
        for i in range(4):
            samples = file[f"data/A.XX_{i}_EV"][()]
            del file[f"data/A.XX_{i}_EV"]
            file["data"].create_dataset(f"A.XX_{i}_EV", data=samples, chunks=(600, 3))
    with open_dataset(*paths) as dataset:
        with h5py.File(paths[0], "a") as file:
            del file["data/A.XX_2_EV"]
        loader = Loader(dataset, np.arange(4), batch_size=4)
        assert sorted(np.concatenate([batch.rows for batch in loader.epoch(0)])) == [0, 1, 3]
        assert loader.skipped == {"unreadable": {"A.XX_2_EV"}}


def test_a_pickled_data_set_opens_the_file_again(dataset):
    before = dataset.read(0)
    copy = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(copy.read(0), before)
    copy.close()
    np.testing.assert_array_equal(copy.read(0), before)  # closing is no end
    copy.close()


# -- real data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, earthquakes, noise", [("stead50", 50, 0), ("ncedc", 126, 44), ("obs56", 37, 19)])
def test_real_data_sets_are_read_whole(shared, name, earthquakes, noise):
    paths = shared / f"data/{name}.hdf5", shared / f"data/{name}.csv"
    with open(paths[1], newline="") as file:
        rows = list(csv.DictReader(file))
    with open_dataset(*paths) as dataset, h5py.File(paths[0]) as file:
        table = dataset.table
        assert not dataset.skipped
        assert (table.earthquake.sum(), (~table.earthquake).sum()) == (earthquakes, noise)
        assert table.name.tolist() == [row["trace_name"] for row in rows]
        for i in range(len(dataset)):
            group = "data" if "data" in file else "earthquake/local"
            stored = file[f"{group}/{table.name[i]}"]
            np.testing.assert_array_equal(dataset.read(i), stored[()].T)
            if table.earthquake[i]:
                for ours, theirs in ((table.p_sample[i], "p_arrival_sample"), (table.s_sample[i], "s_arrival_sample")):
                    assert ours == pytest.approx(float(stored.attrs[theirs]), abs=0.5)  # obs56 rounds its attributes
                assert table.coda_end[i] == pytest.approx(np.asarray(stored.attrs["coda_end_sample"]).item(), abs=0.01)
                np.testing.assert_allclose(table.snr_db[i], stored.attrs["snr_db"], atol=0.051)
                assert table.p_sample[i] < table.s_sample[i] < table.coda_end[i] <= 6000
            else:
                assert np.isnan(table.p_sample[i]) and np.isnan(table.coda_end[i])


@pytest.mark.parametrize("name, count", [("ponly_deepdenoiser", 99), ("ponly_guangdong", 25)])
def test_windows_with_p_alone_are_earthquakes_all_the_same(shared, name, count):
    with open_dataset(shared / f"data/{name}.hdf5") as dataset:
        table, windows = dataset.table, np.empty((count, 3, 6000), np.float32)
        assert not dataset.skipped and table.earthquake.all() and len(table) == count
        assert (table.p_sample >= 0).all() and np.isnan(table.s_sample).all()
        assert (table.coda_end > table.p_sample).all() and (table.coda_end <= 6000).all()
        assert not dataset.read_into(np.arange(count), windows)


def test_stead_itself_at_its_first_row(shared):
    with open_dataset(shared / "data/stead50.hdf5", shared / "data/stead50.csv") as dataset:
        table = dataset.table.take(np.array([0]))
    assert table.p_sample[0] == 700 and table.s_sample[0] == 1894 and table.coda_end[0] == 2896
    np.testing.assert_allclose(table.snr_db[0], [56.8, 55.4, 47.4], atol=1e-6)
    assert table.event[0] == "8556349" and table.station[0] == "TA.109C"
    assert table.magnitude[0] == np.float32(3.6) and table.distance_km[0] == np.float32(102.09)
    assert table.start_time[0] == np.datetime64("2006-07-23T15:59:00.960000")


def test_the_older_tree_holds_noise_in_another_group(tmp_path):
    with h5py.File(tmp_path / "old.hdf5", "w") as file:
        for i, name in enumerate(["earthquake/local/A.XX_1_EV", "non_earthquake/noise/A.XX_2_NO"]):
            file[name] = np.full((6000, 3), i, np.float32)
    path = csv_of(tmp_path, "A.XX_2_NO,noise,,,,,", "A.XX_1_EV,earthquake_local,700,1200,,,")
    with open_dataset(tmp_path / "old.hdf5", path) as dataset:
        assert dataset.table.earthquake.tolist() == [False, True]
        assert dataset.read(0).max() == 1 and dataset.read(1).max() == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "samples, rate, reason",
    [
        (np.full(6000, b"a"), 100, "no numbers"),
        (np.zeros((6000, 3), complex), 100, "no numbers"),
        (np.full((3000, 3), np.inf), 50, "NaN or infinity"),
        (np.full((3000, 3), 1e308), 50, "NaN or infinity"),
    ],
)
def test_what_is_no_seismogram_is_a_bad_trace_and_no_warning(tmp_path, samples, rate, reason):
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["data/A_EV"] = samples
    header = "trace_name,p_arrival_sample,s_arrival_sample,trace_sampling_rate_hz"
    (tmp_path / "x.csv").write_text(f"{header}\nA_EV,500,900,{rate}\n")
    with open_dataset(tmp_path / "x.hdf5") as dataset, pytest.raises(BadTrace) as caught:
        dataset.read(0)
    assert caught.value.reason == reason

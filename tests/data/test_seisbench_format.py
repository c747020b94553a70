"""SeisBench's layout: buckets, orders, chunks, and the same windows as STEAD's files hold."""

from __future__ import annotations

import csv

import h5py
import numpy as np
import pytest

from minieqt.data import Augmentation, Loader
from minieqt.data.seisbench_format import open_seisbench
from minieqt.data.table import SAMPLES, BadTrace
from minieqt.errors import UserError


def write(folder, traces, dimension="NCW", components="ZNE", chunk="", rate=100, bucket=True):
    """traces: [(name, E N Z (3, T), columns)], in one bucket, or each on its own."""
    folder.mkdir(exist_ok=True)
    columns = sorted({"trace_name"} | {key for _, _, row in traces for key in row})
    with h5py.File(folder / f"waveforms{chunk}.hdf5", "w") as file:
        order = ["ENZ".index(c) for c in components]
        stored = [x[order] if dimension.endswith("CW") else x[order].T for _, x, _ in traces]
        for key, value in (("dimension_order", dimension), ("component_order", components), ("sampling_rate", rate)):
            file[f"data_format/{key}"] = value
        if bucket:
            shape = np.max([x.shape for x in stored], axis=0)
            file["data/bucket0"] = np.stack([np.pad(x, np.stack([0 * shape, shape - x.shape], axis=1)) for x in stored])
        else:
            for (name, _, _), x in zip(traces, stored, strict=True):
                file[f"data/{name}"] = x
    with open(folder / f"metadata{chunk}.csv", "w", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for i, ((name, _, row), x) in enumerate(zip(traces, stored, strict=True)):
            key = f"bucket0${i},:{x.shape[0]},:{x.shape[1]}" if bucket else name
            table.writerow(row | {"trace_name": key})


def open_seisbench_written(folder, traces):
    write(folder, traces)
    return open_seisbench(folder)


def traces(rng, lengths=(6000, 6000, 6000)):
    events = {"trace_p_arrival_sample": 700.5, "trace_s_arrival_sample": 1200, "source_magnitude": 2.5,
              "station_network_code": "II", "station_code": "NIL", "trace_Z_snr_db": 20}  # fmt: skip
    rows = [events | {"source_id": "e1"}, events | {"source_id": "e2"}, {"trace_category": "noise"}]
    windows = [rng.standard_normal((3, n)).astype(np.float32) for n in lengths]
    return [(f"t{i}", x, row) for i, (x, row) in enumerate(zip(windows, rows, strict=True))]


@pytest.mark.parametrize("dimension, components", [("NCW", "ZNE"), ("NWC", "ENZ"), ("NCW", "NEZ")])
@pytest.mark.parametrize("bucket", [True, False])
def test_whatever_the_order_it_is_e_n_z(tmp_path, rng, dimension, components, bucket):
    made = traces(rng)
    write(tmp_path / "d", made, dimension if bucket else dimension[1:], components, bucket=bucket)
    with open_seisbench(tmp_path / "d") as dataset:
        assert dataset.table.earthquake.tolist() == [True, True, False]
        assert dataset.table.p_sample[0] == 700.5 and dataset.table.station[0] == "II.NIL"
        np.testing.assert_array_equal(dataset.table.snr_db[0], [np.nan, np.nan, 20])
        for row, (_, x, _) in enumerate(made):
            np.testing.assert_array_equal(dataset.read(row), x)
        assert sum(len(b.rows) for b in Loader(dataset, np.arange(3), 4, augmentation=Augmentation()).epoch(0)) == 6


def test_chunks(tmp_path, rng):
    for chunk in ("A", "B"):
        made = [(f"{name}{chunk}", x, row) for name, x, row in traces(rng)]
        write(tmp_path / "d", made, "CW", chunk=chunk, bucket=False)
    (tmp_path / "d" / "chunks").write_text("A\nB\n")
    with open_seisbench(tmp_path / "d") as dataset:
        assert len(dataset) == 6 and dataset.table.name.tolist() == ["t0A", "t1A", "t2A", "t0B", "t1B", "t2B"]


def test_longer_and_shorter_traces(tmp_path, rng):
    made = traces(rng, (9000, 4000, 12000))
    made[0][2].update(trace_p_arrival_sample=5000, trace_s_arrival_sample=5900, trace_coda_end_sample=7000)
    write(tmp_path / "d", made, "CW", bucket=False)
    with open_seisbench(tmp_path / "d") as dataset:
        table = dataset.table
        assert (table.p_sample[0], table.s_sample[0], table.coda_end[0]) == (1000, 1900, 3000)
        np.testing.assert_array_equal(dataset.read(0)[:, :5000], made[0][1][:, 4000:])
        assert not dataset.read(0)[:, 5000:].any() and not dataset.read(1)[:, 4000:].any()
        np.testing.assert_array_equal(dataset.read(2), made[2][1][:, :6000])


def test_what_cannot_be_used(tmp_path, rng):
    made = traces(rng)
    made[0][2].update(trace_s_arrival_sample=300)
    del made[1][2]["trace_s_arrival_sample"]
    write(tmp_path / "d", made)
    with open_seisbench(tmp_path / "d") as dataset:
        assert dataset.skipped == {"S not after P": 1} and len(dataset) == 2
        assert "1 rows left out" in dataset.report()
        p_alone = dataset.table.take([0])
        assert p_alone.earthquake[0] and p_alone.p_sample[0] == 700.5 and np.isnan(p_alone.s_sample[0])
        assert p_alone.coda_end[0] == 6000
    made[2][2].update(trace_category="earthquake_local")  # an earthquake nobody picked is no noise
    with open_seisbench_written(tmp_path / "d", made + traces(rng)[:2]) as dataset:
        assert dataset.skipped["earthquake without P and S"] == 1 and dataset.table.earthquake.all()
    write(tmp_path / "d", made, rate=0.1)
    with pytest.raises(UserError, match=r"sampling rate of 0\.1 Hz"):
        open_seisbench(tmp_path / "d")
    write(tmp_path / "d", traces(rng)[:2], dimension="NXW")
    with pytest.raises(UserError, match="wanted C and W of some of Z, N, E"):
        open_seisbench(tmp_path / "d")
    with pytest.raises(UserError, match="does not exist; give the folder"):
        open_seisbench(tmp_path)


def test_rates_that_differ_and_names_that_repeat(tmp_path, rng):
    made = traces(rng)
    for (_, _, row), rate in zip(made, (100.0, 0, 100), strict=True):
        row.update(trace_sampling_rate_hz=rate, trace_name_original="one")
    with open_seisbench_written(tmp_path / "d", made) as dataset:
        assert dataset.table.name.tolist() == ["one"]
        assert dataset.skipped == {"sampling rate of 0 Hz": 1, "name that stands in the CSV twice": 1}
        assert dataset.columns("source_id") == {"one": ["e1"]}


# -- what published data sets do beside the plain layout -----------------------------------------------------


def told_apart(rng, rate=100.0, seconds=60, p=10.0, order="ZNE"):
    """Noise whose components, in `order`, have the means 100, 200, 300, and which triples at P (s)."""
    x = rng.normal(size=(len(order), round(seconds * rate))) + 100 * np.arange(1, len(order) + 1)[:, None]
    x[:, round(p * rate) :] *= 3
    return x.astype(np.float32)


def written(folder, x, row, **options):
    """A data set of one trace, stored as it is; options: data_format's entries, the trace's name, the key's slices."""
    folder.mkdir(exist_ok=True)
    form = {"dimension_order": "CW", "component_order": "ZNE", "sampling_rate": 100}
    with h5py.File(folder / "waveforms.hdf5", "w") as file:
        for key, value in (form | options).items():
            if value is not None:
                file[f"data_format/{key}"] = value
        file["data/x"] = x
    row = {"trace_name": "x", "source_id": "e", "trace_category": "earthquake"} | row
    with open(folder / "metadata.csv", "w", newline="") as file:
        table = csv.DictWriter(file, list(row))
        table.writeheader()
        table.writerow(row)
    return open_seisbench(folder)


def arrivals(p=1000, s=1800):
    return {"trace_p_arrival_sample": p, "trace_s_arrival_sample": s}


def onset(window):
    """The sample at which the mean triples."""
    level = np.abs(window).max(axis=0)
    return int(np.argmax(level > 2 * np.median(level[: SAMPLES // 8])))


@pytest.mark.parametrize(
    "column, fallback",
    [
        ({"trace_sampling_rate_hz": 20}, None),
        ({"trace_dt_s": 0.05}, None),
        ({}, 20),
        ({"trace_sampling_rate_hz": 20}, 100),
        ({"trace_sampling_rate_hz": "NaN", "trace_dt_s": "NA"}, 20),
    ],
)
def test_a_slower_rate_is_resampled_and_its_arrivals_move_with_it(tmp_path, rng, column, fallback):
    x = told_apart(rng, rate=20)
    row = arrivals(200, 360) | {"trace_coda_end_sample": 600} | column
    with written(tmp_path / "d", x, row, sampling_rate=fallback) as dataset:
        table, window = dataset.table, dataset.read(0)
        assert (table.p_sample[0], table.s_sample[0], table.coda_end[0]) == (1000, 1800, 3000)
        assert abs(onset(window) - 1000) <= 5  # a sample of the record
        np.testing.assert_allclose(window[:, :900].mean(axis=1), [300, 200, 100], atol=1)


@pytest.mark.parametrize(
    "column, stored",
    [({"trace_sampling_rate_hz": "50 Hz"}, 100), ({"trace_dt_s": "0"}, 100), ({}, "fast")],
)
def test_a_rate_that_is_no_number_is_not_taken_for_100_hz(tmp_path, rng, column, stored):
    with pytest.raises(UserError, match="1 × sampling rate that is no number"):
        written(tmp_path / "d", told_apart(rng), arrivals() | column, sampling_rate=stored)


def test_a_faster_rate_is_resampled_without_aliases(tmp_path):
    t = np.arange(15000) / 250
    low, high = np.sin(2 * np.pi * 5 * t), np.sin(2 * np.pi * 90 * t)  # 90 Hz would appear at 10 Hz
    with written(tmp_path / "d", np.stack([low, high, low + high]), arrivals(2500, 4500), sampling_rate=250) as dataset:
        e, n, z = dataset.read(0)[:, 100:-100]
        assert dataset.table.p_sample[0] == 1000 and dataset.table.s_sample[0] == 1800
        np.testing.assert_allclose(z, np.sin(2 * np.pi * 5 * np.arange(100, 5900) / 100), atol=2e-3)
        assert np.abs(n).max() < 2e-3 and np.abs(e - z).max() < 2e-3


def test_a_long_trace_of_another_rate_begins_before_p_and_so_does_its_time(tmp_path, rng):
    x = told_apart(rng, rate=50, seconds=300, p=200)
    row = arrivals(10000, 10400) | {"trace_start_time": "2007/01/01 01:42:45.08"}
    with written(tmp_path / "d", x, row, sampling_rate=50) as dataset:
        assert (dataset.table.p_sample[0], dataset.table.s_sample[0]) == (1000, 1800)
        assert abs(onset(dataset.read(0)) - 1000) <= 2
        assert dataset.table.start_time[0] == np.datetime64("2007-01-01T01:45:55.08")  # 190 s later


@pytest.mark.parametrize(
    "order, row_order, means",
    [
        ("ZNE", "", [300, 200, 100]),
        ("ZNE", "ENZ", [100, 200, 300]),
        ("ZNE", "['E', 'Z', 'N']", [100, 300, 200]),
        (np.array([b"Z", b"N", b"E"]), "NA", [300, 200, 100]),
        ("Z12", "", [300, 200, 100]),
        ("12Z", "", [200, 100, 300]),
        ("HZ21", "", [300, 400, 200]),  # a hydrophone beside them
        ("Z", "", [0, 0, 100]),
        ("ZN", "", [0, 200, 100]),
    ],
)
def test_components_in_any_order_and_number(tmp_path, rng, order, row_order, means):
    x = told_apart(rng, order=list(order))
    with written(
        tmp_path / "d", x, arrivals() | {"trace_component_order": row_order}, component_order=order
    ) as dataset:
        np.testing.assert_allclose(dataset.read(0)[:, :900].mean(axis=1), means, atol=1)


def test_one_dimension(tmp_path, rng):
    x = told_apart(rng, order="Z")[0]
    for options in ({"component_order": "Z", "dimension_order": "W"}, {"component_order": "N"}, {}):
        with written(tmp_path / "d", x, arrivals(), **options) as dataset:
            which = "ENZ".index(options.get("component_order", "Z"))
            np.testing.assert_array_equal(dataset.read(0)[which], x)
            assert not np.delete(dataset.read(0), which, axis=0).any()


def test_an_order_of_dimensions_as_a_list(tmp_path, rng):
    x = told_apart(rng)
    with written(tmp_path / "d", x.T, arrivals(), dimension_order=np.array([b"W", b"C"])) as dataset:
        np.testing.assert_array_equal(dataset.read(0), x[::-1])


@pytest.mark.parametrize(
    "where, first",
    [("0,:3,:6000", 0), ("0,:,:", 6000), ("0,:3,0:6000", 0), ("0,0:3,1000:7000", 1000), ("0,:, :", 6000)],
)
def test_every_kind_of_slice(tmp_path, rng, where, first):
    x = told_apart(rng, seconds=120, p=70)
    p, s = (7000, 7800) if first == 6000 else (1000, 1800)
    row = arrivals(p, s) | {"trace_name": f"x${where}"}
    with written(tmp_path / "d", x[None], row) as dataset:
        assert dataset.table.p_sample[0] == 1000
        np.testing.assert_array_equal(dataset.read(0), x[::-1, first : first + 6000])


@pytest.mark.parametrize("where", ["0,:3,5:a", "9,:3,:6000", "1:2:3,:,:", "0,:3,:6000,1", ""])
def test_a_slice_that_is_none(tmp_path, rng, where):
    row = arrivals() | {"trace_name": f"x${where}" if where else "y"}
    with written(tmp_path / "d", told_apart(rng)[None], row) as dataset, pytest.raises(BadTrace):
        dataset.read(0)


def test_an_empty_list_of_chunks(tmp_path, rng):
    write(tmp_path / "d", traces(rng), chunk="0")
    for listed in (b"\n", b"", b"\xff\xfe"):
        (tmp_path / "d" / "chunks").write_bytes(listed)
        with open_seisbench(tmp_path / "d") as dataset:
            assert len(dataset) == 3
    (tmp_path / "d" / "chunks").write_text("1\n")
    with pytest.raises(UserError, match=r"waveforms1\.hdf5 does not exist"):
        open_seisbench(tmp_path / "d")


@pytest.mark.parametrize("nothing", ["", "NA", "nan", "None", "null", "-", "-1"])
def test_one_phase_is_enough_whatever_says_nothing(tmp_path, rng, nothing):
    for row, p, s in ((arrivals(s=nothing), 1000, np.nan), (arrivals(p=nothing), np.nan, 1800)):
        with written(tmp_path / "d", told_apart(rng), row) as dataset:
            found = dataset.table
            assert found.earthquake[0] and found.coda_end[0] == 6000
            np.testing.assert_array_equal([found.p_sample[0], found.s_sample[0]], [p, s])


CODA = {"trace_coda_end_sample": 4000}


def test_a_second_earthquake(tmp_path, rng):
    """The earlier one comes first, whatever its number; the coda is that of both; the window is cut for the first."""
    second = {"trace_P_1_arrival_sample": 3000, "trace_S_1_arrival_sample": 3500}
    for one, other in ((arrivals(), second), (arrivals(3000, 3500), {"trace_P_1_arrival_sample": 1000} | CODA)):
        with written(tmp_path / "d", told_apart(rng), one | other) as dataset:
            found = dataset.table
            assert (found.p_sample[0], found.second_p[0], found.second_s[0]) == (1000, 3000, 3500)
            assert found.coda_end[0] == (4000 if other is not second else 3700) and found.any_two
            assert np.isnan(found.to_score().p_sample[0]) and found.to_score().earthquake[0]
    late = {"trace_P_1_arrival_sample": 8500, "trace_S_1_arrival_sample": 9000}
    with written(tmp_path / "d", told_apart(rng, seconds=120), arrivals(7000, 7400) | late) as dataset:
        assert dataset.table.p_sample[0] == 1000 and dataset.table.second_p[0] == 2500
    alone = {"trace_S_1_arrival_sample": 3500}
    with written(tmp_path / "d", told_apart(rng), arrivals() | alone) as dataset:
        assert np.isnan(dataset.table.second_p[0]) and dataset.table.second_s[0] == 3500
    for trouble, more in (
        ("third earthquake in the window", second | {"trace_P_2_arrival_sample": 5000}),
        ("second earthquake: arrival outside the window", second | {"trace_S_1_arrival_sample": 6500}),
        ("second earthquake: S not after P", second | {"trace_S_1_arrival_sample": 2900}),
    ):
        with pytest.raises(UserError, match=f"1 × {trouble}"):
            written(tmp_path / "d", told_apart(rng), arrivals() | more)
    elsewhere = {"trace_P_1_arrival_sample": 8000, "trace_S_1_arrival_sample": "nan"}
    with written(tmp_path / "d", told_apart(rng), arrivals() | elsewhere) as dataset:
        assert dataset.table.p_sample[0] == 1000
    with written(tmp_path / "d", told_apart(rng), second) as dataset:  # numbered from 1, and only one
        assert (dataset.table.p_sample[0], dataset.table.s_sample[0]) == (3000, 3500)


def test_the_first_of_several_phases_is_p(tmp_path, rng):
    row = {"trace_Pg_arrival_sample": 1100, "trace_Pn_arrival_sample": 1000, "trace_Sg_arrival_sample": 1800}
    with written(tmp_path / "d", told_apart(rng), row) as dataset:
        assert dataset.table.p_sample[0] == 1000

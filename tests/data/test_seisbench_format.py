"""SeisBench's layout: buckets, orders, chunks, and the same windows as STEAD's files hold."""

from __future__ import annotations

import csv

import h5py
import numpy as np
import pytest

from minieqt.data import Augmentation, Loader
from minieqt.data.seisbench_format import open_seisbench
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
              "station_network_code": "XX", "station_code": "A", "trace_Z_snr_db": 20}  # fmt: skip
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
        assert dataset.table.p_sample[0] == 700.5 and dataset.table.station[0] == "XX.A"
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
    write(tmp_path / "d", made, rate=50)
    with pytest.raises(UserError, match="50 Hz"):
        open_seisbench(tmp_path / "d")
    write(tmp_path / "d", traces(rng)[:2], components="ZZZ", bucket=False, dimension="CW")
    with pytest.raises(UserError, match="wanted C and W of Z, N, E"):
        open_seisbench(tmp_path / "d")
    with pytest.raises(UserError, match="does not exist; give the folder"):
        open_seisbench(tmp_path)


def test_rates_that_differ_and_names_that_repeat(tmp_path, rng):
    made = traces(rng)
    for (_, _, row), rate in zip(made, (100.0, 50, 100), strict=True):
        row.update(trace_sampling_rate_hz=rate, trace_name_original="one")
    with open_seisbench_written(tmp_path / "d", made) as dataset:
        assert dataset.table.name.tolist() == ["one"]
        assert dataset.skipped == {"50 Hz, not 100": 1, "name that stands in the CSV twice": 1}
        assert dataset.columns("source_id") == {"one": ["e1"]}

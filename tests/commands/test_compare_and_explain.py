"""python -m minieqt compare, explain and synth --network: real data, files, mistakes in words."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from minieqt.cli import main
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.weights import native


def test_pb_b204_beside_its_analysts(shared, tmp_path, capsys):
    """Four hours, two events of the analysts; the released network finds the larger one to a few hundredths."""
    data, weights = shared / "data", shared / "weights" / "eqt_conservative.npz"
    assert main(["pick", str(data / "PB.B204.mseed"), "--weights", str(weights), "--out", str(tmp_path / "p")]) == 0
    files = ["--picks", str(tmp_path / "p" / "picks.csv"), "--reference", str(data / "PB.B204.csv")]
    assert main(["compare", *files, "--end", "2022-02-06T04:00:00", "--out", str(tmp_path / "c")]) == 0
    told = capsys.readouterr()
    assert "events: 1 of the reference's 2" in told.out
    assert "left out of the reference: 12 × outside the time asked for\n" in told.err
    numbers = json.loads((tmp_path / "c" / "comparison.json").read_text())
    p, s = numbers["counts"][:2]
    assert (p["common"], s["common"], p["additional"], s["additional"]) == (1, 1, 0, 0)
    assert p["mae_s"] < 0.1 and s["mae_s"] < 0.1
    assert numbers["left_out"]["reference"] == {"outside the time asked for": 12}


def test_mistakes(tmp_path, shared):
    reference = tmp_path / "r.csv"
    reference.write_text("phase,time\nP,2022-02-06\n")
    picks = str(shared / "data" / "PB.B204.csv")
    with pytest.raises(UserError, match="has no column station"):
        main(["compare", "--picks", picks, "--reference", str(reference)])
    with pytest.raises(UserError, match="is no time"):
        main(["compare", "--picks", picks, "--reference", picks, "--start", "yesterday"])
    with pytest.raises(SystemExit):
        main(["compare", "--picks", picks, "--reference", picks, "--tolerance", "0"])


def test_explain(shared, tmp_path, capsys):
    native.save(tmp_path / "net.h5", EQTransformer(lstm_blocks=1, seed=1))
    name = "109C.TA_20060723155859_EV"
    arguments = ["explain", "--data", str(shared / "data" / "stead50.hdf5"), "--weights", str(tmp_path / "net.h5")]
    assert main([*arguments, "--trace", name, "--out", str(tmp_path / "out")]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{name}.{kind}" for kind in ("attention.png", "encoder.png", "npz")}
    assert np.load(tmp_path / "out" / f"{name}.npz")["transformer2"].shape == (47, 47)
    with pytest.raises(UserError, match=f"is {name} meant"):
        main([*arguments, "--trace", "109C_20060723155859", "--out", str(tmp_path / "out")])


def test_explain_a_trace_whose_name_leads_elsewhere(tmp_path):
    native.save(tmp_path / "net.h5", EQTransformer(lstm_blocks=1, seed=1))
    x = np.random.default_rng(0).standard_normal((6000, 3)).astype(np.float32)
    names = ["a/b", "../c"]
    paths = tmp_path / "set.hdf5", tmp_path / "set.csv"
    with h5py.File(paths[0], "w") as file:
        for name in names:
            file.create_dataset(f"data/{name}", data=x)
    header = "trace_name,trace_category,p_arrival_sample,s_arrival_sample\n"
    paths[1].write_text(header + "".join(f"{name},noise,,\n" for name in names))
    for name in names:
        arguments = ["--data", str(paths[0]), "--weights", str(tmp_path / "net.h5"), "--out", str(tmp_path / "out")]
        assert main(["explain", *arguments, "--trace", name]) == 0
    assert {path.name for path in (tmp_path / "out").glob("*.npz")} == {"a%2Fb.npz", "..%2Fc.npz"}
    assert {path.name for path in tmp_path.iterdir()} == {"net.h5", "out", "set.csv", "set.hdf5"}


def test_synthetic_network(tmp_path, capsys):
    arguments = ["synth", "--network", "0.05", "--out", str(tmp_path / "net"), "--seed", "2"]
    assert main(arguments) == 0
    assert {"stations.xml", "analysts.xml", "truth.csv"} <= {path.name for path in (tmp_path / "net").iterdir()}
    with pytest.raises(UserError, match="already there"):
        main(arguments)

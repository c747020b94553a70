"""python -m minieqt associate, on a real network: 14 stations and 15 catalogued earthquakes near Ridgecrest, 2019."""

from __future__ import annotations

import csv
import sys

import obspy
import pytest
from obspy.io.quakeml.core import _validate

from minieqt.cli import main
from minieqt.errors import UserError


@pytest.fixture(scope="module")
def ridgecrest(tmp_path_factory, shared):
    folder = shared / "data/ridgecrest"
    if not folder.is_dir():
        pytest.skip("../shared holds no Ridgecrest data")
    return folder


def test_ridgecrest_from_records_to_a_catalogue(ridgecrest, tmp_path, capsys):
    pytest.importorskip("pyocto", reason="PyOcto is not installed (extra catalogue)")
    picks, out, stations = tmp_path / "picks", tmp_path / "found", str(ridgecrest / "stations.xml")
    main(["pick", str(ridgecrest), "--stations", stations, "--out", str(picks)])
    reference = str(ridgecrest / "catalogue.csv")
    assert main(["associate", str(picks), "--out", str(out), "--reference", reference]) == 0  # places: from pick
    told = capsys.readouterr().out
    assert _validate(str(out / "earthquakes.xml"))
    earthquakes = obspy.read_events(out / "earthquakes.xml")
    with (out / "reference.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = [row for row in rows if row["kind"] == "found"]
    assert len(found) + sum(row["kind"] == "missed" for row in rows) == 15
    assert len(found) + sum(row["kind"] == "additional" for row in rows) == len(earthquakes)
    assert f"{len(found)} found" in told
    strong = [row for row in rows if float(row["reference_magnitude"] or 0) > 1.3]
    assert len(strong) == 5 and all(row["kind"] == "found" and float(row["km"]) < 5 for row in strong)
    assert len(found) >= 9


def test_without_pyocto_nothing_is_written_and_one_line_says_so(ridgecrest, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyocto", None)
    (tmp_path / "picks.csv").write_text("network,station,phase,time\nCI,CLC,P,2019-07-04T17:02:59\n")
    out = tmp_path / "found"
    with pytest.raises(UserError, match="pip install"):
        main(["associate", str(tmp_path), "--stations", str(ridgecrest / "stations.xml"), "--out", str(out)])
    assert not out.exists()


def test_magnitudes_without_an_inventory_are_one_line(ridgecrest, tmp_path):
    with pytest.raises(UserError, match="--stations"):
        main(["associate", str(tmp_path), "--out", str(tmp_path / "found"), "--magnitudes", str(ridgecrest)])

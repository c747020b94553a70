"""Association by GaMMA, of a network's picks with known earthquakes."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from network import DAY, VP, VS, km, picks, stations, truth

from minieqt.catalogue.associate import Limits
from minieqt.catalogue.gamma import associate_by_gamma
from minieqt.catalogue.velocity import Velocities, homogeneous
from minieqt.errors import UserError
from minieqt.tables.picks import Onset

LIMITS = Limits(tolerance=0.5)


@pytest.fixture
def gamma():
    return pytest.importorskip("gamma.utils", reason="GaMMA is not installed (extra gamma)", exc_type=ImportError)


def check(found, known):
    assert len(found) == len(known)
    for each, (time, latitude, longitude, _) in zip(found, known, strict=True):
        assert abs(each.time - time) < 0.5e9
        assert km((each.latitude, each.longitude), (latitude, longitude)) < 2.0
        assert each.rms < 0.3


def test_known_earthquakes_are_found_among_noise(gamma, rng, capfd):
    places, known = stations(rng), truth(rng)
    onsets, where = picks(rng, places, known)
    for n in range(60):  # picks of nothing
        station = n % len(places)
        onsets.append(Onset("XX", f"ST{station:02}", "PS"[n % 2], DAY + round(rng.uniform(0, 180e9))))
        where.append(places[station])
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    found = associate_by_gamma(onsets, where, homogeneous(VP, VS), LIMITS)
    check(found, known)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert associate_by_gamma(onsets, where, homogeneous(VP, VS), LIMITS) == found
    assert capfd.readouterr() == ("", "")


def test_a_network_on_both_sides_of_180_degrees(gamma, rng):
    places, known = stations(rng), truth(rng)
    onsets, where = picks(rng, places, known)
    turned = [(latitude, (longitude + 477.5) % 360 - 180, elevation) for latitude, longitude, elevation in where]
    found = associate_by_gamma(onsets, turned, homogeneous(VP, VS), LIMITS)
    check([replace(each, longitude=(each.longitude + 62.5) % 360 - 360) for each in found], known)


def test_velocities_that_depend_on_depth(gamma, rng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places, known = stations(rng), truth(rng, 3)
    onsets, where = picks(rng, places, known)
    table = Velocities((4.0, 6.0, 8.0), (VP, VP, VP + 0.001), (VS, VS, VS), "a table of the middle")
    check(associate_by_gamma(onsets, where, table, LIMITS), known)
    assert not list(tmp_path.iterdir())  # where GaMMA would make a folder


def test_stations_with_both_phases_are_asked_for(gamma, rng):
    places, known = stations(rng), truth(rng, 1)
    onsets, where = picks(rng, places, known)
    kept = [n for n, onset in enumerate(onsets) if (int(onset.station[2:]) < 6) == (onset.phase == "P")]
    onsets, where = [onsets[n] for n in kept], [where[n] for n in kept]
    assert len(associate_by_gamma(onsets, where, homogeneous(VP, VS), Limits(both=0))) == 1
    assert associate_by_gamma(onsets, where, homogeneous(VP, VS), Limits(both=1)) == []


def test_without_gamma_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gamma", None)
    monkeypatch.setitem(sys.modules, "gamma.utils", None)
    with pytest.raises(UserError, match=r"pip install 'minieqt\[gamma\]'"):
        associate_by_gamma([Onset("XX", "ST00", "P", DAY)], [(35.0, -117.0, 0.0)], homogeneous(VP, VS), LIMITS)

"""Association of a network's picks with known earthquakes."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from network import DAY, VP, VS, km, picks, stations, truth

from minieqt.catalogue.associate import Limits, associate
from minieqt.catalogue.velocity import Velocities, homogeneous
from minieqt.errors import UserError
from minieqt.tables.picks import Onset


@pytest.fixture
def pyocto():
    return pytest.importorskip("pyocto", reason="PyOcto is not installed (extra catalogue)")


def check(found, known, most_km):
    assert len(found) == len(known)
    for each, (time, latitude, longitude, _) in zip(found, known, strict=True):
        assert abs(each.time - time) < 0.5e9
        assert km((each.latitude, each.longitude), (latitude, longitude)) < most_km
        assert each.rms < 0.3


def test_known_earthquakes_are_found_among_noise(pyocto, rng):
    places, known = stations(rng), truth(rng)
    onsets, where = picks(rng, places, known)
    for n in range(60):  # picks of nothing
        station = n % len(places)
        onsets.append(Onset("XX", f"ST{station:02}", "PS"[n % 2], DAY + round(rng.uniform(0, 180e9))))
        where.append(places[station])
    found = associate(onsets, where, homogeneous(VP, VS), Limits(tolerance=0.5))
    check(found, known, 2.0)
    for each, (time, *_) in zip(found, known, strict=True):
        own = [at for at in each.arrivals if time < at.onset.time < time + 25e9]
        assert len(own) >= 22  # of 24: now and then a pick of nothing is nearer
        assert len({(at.onset.station, at.onset.phase) for at in each.arrivals}) == len(each.arrivals)


@pytest.fixture
def pyrocko(pyocto):
    try:
        from pyrocko.modelling import eikonal  # noqa: F401
    except ImportError as error:
        pytest.skip(f"pyrocko, for velocities that depend on depth, cannot be used here: {error}")


def test_velocities_that_grow_with_depth(pyrocko, rng):
    """Rays are arcs, times are known exactly (Slichter 1932); a table says the same with three rows."""
    surface, growth, ratio = 4.5, 0.15, 1.75

    def seconds(distance, depth, phase):
        below = surface + growth * depth
        time = np.arccosh(1 + growth**2 * (distance**2 + depth**2) / (2 * surface * below)) / growth
        return time * (ratio if phase == "S" else 1)

    depth = (0.0, 10.0, 60.0)
    vp = tuple(surface + growth * z for z in depth)
    table = Velocities(depth, vp, tuple(v / ratio for v in vp), "a gradient")
    places, known = stations(rng, 14, elevation=0.0), truth(rng, 5)
    onsets, where = picks(rng, places, known, seconds=seconds)
    limits = Limits(tolerance=0.6)
    found = associate(onsets, where, table, limits)
    check(found, known, 1.5)
    assert all(abs(each.depth - depth) < 4 for each, (*_, depth) in zip(found, known, strict=True))
    same = associate(onsets, where, homogeneous(surface, surface / ratio), limits)
    assert len(same) < len(known) or np.mean([each.rms for each in same]) > 2 * np.mean([each.rms for each in found])


def test_velocities_reach_up_and_down_from_the_table(pyrocko, rng):
    places, known = stations(rng), truth(rng, 3)
    onsets, where = picks(rng, places, known)
    table = Velocities((4.0, 6.0, 6.0, 8.0), (VP, VP, VP, VP + 0.001), (VS, VS, VS, VS), "a table of the middle")
    assert not table.constant
    check(associate(onsets, where, table, Limits(tolerance=0.5)), known, 2.0)


def test_a_station_that_moved_counts_where_it_stood(pyocto, rng):
    places, known = stations(rng), truth(rng, 2)
    first, where_first = picks(rng, places, known[:1])
    moved = [(places[0][0] + 0.2, places[0][1], 500.0), *places[1:]]
    second, where_second = picks(rng, moved, known[1:])
    found = associate(first + second, where_first + where_second, homogeneous(VP, VS), Limits(tolerance=0.5))
    check(found, known, 2.0)
    assert all(len(each.arrivals) == 24 for each in found)


def test_no_picks_are_no_earthquakes():
    assert associate([], [], homogeneous(VP, VS), Limits()) == []


def test_too_few_picks_are_no_earthquake(pyocto, rng):
    places = stations(rng, 3)
    onsets, where = picks(rng, places, truth(rng, 1))
    assert associate(onsets, where, homogeneous(VP, VS), Limits()) == []


def test_without_pyocto_one_line_says_what_to_install(monkeypatch, rng):
    monkeypatch.setitem(sys.modules, "pyocto", None)
    onsets, where = picks(rng, stations(rng), truth(rng, 1))
    with pytest.raises(UserError, match="pip install"):
        associate(onsets, where, homogeneous(VP, VS), Limits())


@pytest.mark.parametrize(
    "wrong", [{"depth": (10.0, 5.0)}, {"depth": (-2.0, 5.0)}, {"picks": 5}, {"picks": 6, "both": 4}]
)
def test_limits_that_make_no_sense_together(wrong):
    with pytest.raises(UserError):
        Limits(**wrong)


def test_gap_and_distance():
    from minieqt.catalogue.earthquake import earthquake

    onsets = [Onset("XX", name, "P", DAY + n) for n, name in enumerate("NES")]
    places = [(36.0, -117.5, 0.0), (35.7, -117.2, 0.0), (35.4, -117.5, 0.0)]  # north, east, south
    each = earthquake(DAY, 35.7, -117.5, 5.0, [(o, p, 0.3) for o, p in zip(onsets, places, strict=True)])
    assert each.gap == pytest.approx(180, abs=1)
    assert each.nearest == pytest.approx(0.3 * 111.3 * np.cos(np.radians(35.7)), rel=0.01)
    assert each.rms == pytest.approx(0.3)

"""Whose station a pick without a network belongs to."""

from __future__ import annotations

import pytest

from minieqt.tables.networks import Networks
from minieqt.tables.picks import Onset

NETWORKS = Networks([("PB", "B204"), ("PB", "A"), ("UW", "A"), ("NA", "SABA")])


@pytest.mark.parametrize(
    ("network", "station", "named", "unsaid"),
    [
        ("", "B204", "PB", False),
        ("NULL", "B204", "PB", False),
        ("UW", "B204", "UW", False),
        ("", "A", "", True),
        ("", "C", "", False),
        ("NA", "B204", "NA", False),  # which is a network here
    ],
)
def test_a_nameless_pick_gets_the_only_network(network, station, named, unsaid):
    onset = Onset(network, station, "P", 0)
    assert NETWORKS.named(onset).network == named and NETWORKS.unsaid(onset) == unsaid

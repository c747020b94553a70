"""Our earthquakes and an agency's, matched one to one where they are near each other in time and place.

Found: the agency's, with one of ours; missed: the agency's alone; additional: ours alone, which is not the same as
wrong: agencies leave small earthquakes out. As Mousavi et al. (2020) do with Tottori 2000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from obspy.geodetics import degrees2kilometers, locations2degrees
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from minieqt.catalogue.earthquake import Earthquake
from minieqt.tables.catalogue import Origin

Array = Any

SECONDS, KILOMETRES = 2.0, 20.0


@dataclass(frozen=True)
class Matched:
    """pairs (K, 2) of indices, ours and the reference's; seconds (ours minus theirs) and km of each pair."""

    ours: Sequence[Earthquake]
    reference: Sequence[Origin]
    pairs: Array
    seconds: Array
    kilometres: Array

    def missed(self) -> list[Origin]:
        found = set(self.pairs[:, 1].tolist())
        return [origin for n, origin in enumerate(self.reference) if n not in found]

    def additional(self) -> list[Earthquake]:
        found = set(self.pairs[:, 0].tolist())
        return [each for n, each in enumerate(self.ours) if n not in found]


def match_events(
    ours: Sequence[Earthquake], reference: Sequence[Origin], seconds: float = SECONDS, kilometres: float = KILOMETRES
) -> Matched:
    """As many pairs as possible; of all such, those with the least sum of differences, in tolerances."""
    i, j, time, distance = _near(ours, reference, seconds, kilometres)
    cost = np.abs(time) / seconds + distance / kilometres  # 2 at the most
    pairs = np.array(list(_assign(i, j, cost, len(ours), len(reference))), np.int64)
    pairs = np.sort(pairs)
    return Matched(ours, reference, np.stack([i[pairs], j[pairs]], axis=1).reshape(-1, 2), time[pairs], distance[pairs])


def _near(
    ours: Sequence[Earthquake], reference: Sequence[Origin], seconds: float, kilometres: float
) -> tuple[Array, Array, Array, Array]:
    """(K,) index of ours, of the reference's, seconds and km between, of every pair within the tolerances."""
    order = np.argsort([origin.time for origin in reference], kind="stable")
    times = np.array([origin.time for origin in reference], np.int64)[order]
    mine = np.array([each.time for each in ours], np.int64)
    reach = round(seconds * 1e9)
    first, last = np.searchsorted(times, mine - reach), np.searchsorted(times, mine + reach, "right")
    i = np.repeat(np.arange(len(ours)), last - first)
    ranks = [np.arange(begin, end) for begin, end in zip(first, last, strict=True)]
    j = order[np.concatenate(ranks)] if len(i) else np.zeros(0, np.int64)
    there = np.array([(each.latitude, each.longitude) for each in ours]).reshape(-1, 2)[i]
    here = np.array([(each.latitude, each.longitude) for each in reference]).reshape(-1, 2)[j]
    distance = degrees2kilometers(locations2degrees(*there.T, *here.T)) if len(i) else np.zeros(0)
    near = distance <= kilometres
    time = np.array([(ours[a].time - reference[b].time) / 1e9 for a, b in zip(i.tolist(), j.tolist(), strict=True)])
    return i[near], j[near], time[near], distance[near]


def _assign(i: Array, j: Array, cost: Array, mine: int, other: int) -> Iterator[int]:
    """Which of the pairs (i, j) are taken: an assignment problem for each group that touches no other."""
    if len(i) == 0:
        return
    links = coo_matrix((np.ones(len(i)), (i, mine + j)), shape=(mine + other, mine + other))
    group = connected_components(links, directed=False)[1][i]
    for label in np.unique(group):
        held = np.flatnonzero(group == label)
        rows, row = np.unique(i[held], return_inverse=True)
        columns, column = np.unique(j[held], return_inverse=True)
        table = np.full((len(rows), len(columns)), 3.0 * (min(len(rows), len(columns)) + 1))  # dearer than all others
        which = np.full(table.shape, -1)
        table[row, column], which[row, column] = cost[held], held
        yield from (int(n) for n in which[linear_sum_assignment(table)] if n >= 0)

"""One-to-one matching of two sets of times: no pick is used twice, and as many as possible are matched.

Within one station and one phase, the largest number of pairs no further apart than the tolerance is found, and of all
such matchings the one with the least sum of |differences|: an assignment problem (Kuhn 1955), solved separately for
every cluster of times that could touch each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

Array = Any


def match(ours: Array, theirs: Array, tolerance: float) -> Array:
    """ours (N,), theirs (M,) times in any order, the tolerance (included) in the same unit -> (K, 2) int64: indices.

    A difference may exceed the tolerance by a billionth of it, as decimal fractions are not exact in binary.
    """
    reach = tolerance * (1 + 1e-9)
    times = np.concatenate([ours, theirs])
    order = np.argsort(times, kind="stable")
    cluster = np.empty(len(times), np.int64)
    cluster[order] = np.cumsum(np.diff(times[order], prepend=-np.inf) > reach)
    pairs = []
    for i, j in shared(cluster[: len(ours)].tolist(), cluster[len(ours) :].tolist()):
        difference = np.abs(np.subtract.outer(ours[i], theirs[j]))
        # A forbidden pair costs more than all allowed ones together, so that as few as possible are taken.
        cost = np.where(difference <= reach, difference, 2 * reach * (min(len(i), len(j)) + 1))
        rows, columns = linear_sum_assignment(cost)
        good = difference[rows, columns] <= reach
        pairs.append(np.stack([i[rows[good]], j[columns[good]]], axis=1))
    return together(pairs)


def match_groups(
    ours: Array, theirs: Array, our_groups: Iterable[Any], their_groups: Iterable[Any], tolerance: float
) -> Array:
    """`match` within each group (a station and a phase): (K, 2) indices into the whole sets."""
    pairs = []
    for i, j in shared(our_groups, their_groups):
        found = match(ours[i], theirs[j], tolerance)
        pairs.append(np.stack([i[found[:, 0]], j[found[:, 1]]], axis=1))
    return together(pairs)


def shared(ours: Iterable[Any], theirs: Iterable[Any]) -> Iterator[tuple[Array, Array]]:
    """(rows of ours, rows of theirs) of every label that both have."""
    rows: dict[Any, tuple[list[int], list[int]]] = {}
    for side, labels in enumerate((ours, theirs)):
        for i, label in enumerate(labels):
            rows.setdefault(label, ([], []))[side].append(i)
    for mine, other in rows.values():
        if mine and other:
            yield np.array(mine), np.array(other)


def together(pairs: list[Array]) -> Array:
    """All pairs, in order of our index."""
    found = np.concatenate(pairs) if pairs else np.zeros((0, 2), np.int64)
    return found[np.argsort(found[:, 0])]

"""What a wrong array may be instead of the right one: the mistakes that everybody makes once."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

Array = Any

RTOL = 1e-5


def likely_mistake(found: Array, right: Array) -> str:
    """What `found` is instead of `right`, as the end of a sentence; "" where nothing comes to mind."""
    if found.shape != right.shape:
        return of_shape(found, right)
    if found.size == 0 or not np.isfinite(found.astype(float)).all():
        return "" if found.size == 0 else "not all of its numbers are finite"
    if right.any() and not found.any():
        return "it is zero everywhere"
    return of_size(found, right) or of_order(found, right) or of_part(found, right)


def same(found: Array, right: Array) -> bool:
    """Whether two arrays agree to rounding, and say more than zero."""
    return found.shape == right.shape and bool(right.any()) and np.allclose(found, right, RTOL, RTOL * abs(right).max())


def of_shape(found: Array, right: Array) -> str:
    """The right numbers, or sums of them, in another shape."""
    if same(found.squeeze(), right.squeeze()):
        return "its numbers are right, only its shape is not"
    if same(found.T, right):
        return "it is the transpose of the right one"
    advices = (found, right, "sum it over {}"), (right, found, "it was summed over {}, which stays")
    for summed, kept, advice in advices:
        for count in (1, 2):
            for axes in combinations(range(summed.ndim), count):
                if same(summed.sum(axis=axes), kept):
                    return advice.format("axis " + " and ".join(map(str, axes)))
    return ""


def of_size(found: Array, right: Array) -> str:
    """The right numbers times or plus one number."""
    if same(-found, right):
        return "its sign is wrong"
    if found.size < 3 or not right.any():
        return ""
    ratio = float((found * right).sum() / (right * right).sum())
    if same(found, ratio * right):
        inverse = round(1 / ratio) if abs(ratio) < 1 else 0
        if inverse and np.isclose(1 / ratio, inverse, RTOL):
            return f"it is the right one divided by {inverse}"
        return f"it is {ratio:.4g} times the right one"
    offset = found - right
    return "it is the right one plus a constant" if np.ptp(offset) <= RTOL * abs(offset).max() else ""


def of_order(found: Array, right: Array) -> str:
    """The right numbers in another order."""
    if right.ndim >= 2 and right.shape[-1] == right.shape[-2] > 1 and same(found.swapaxes(-1, -2), right):
        return "its last two axes are swapped"
    for axis in range(right.ndim):
        if right.shape[axis] > 1 and same(np.flip(found, axis), right):
            return f"it is reversed along axis {axis}"
    if right.ndim and right.shape[-1] > 2:
        for late, early, word in ((found, right, "late"), (right, found, "early")):
            if same(late[..., 1:], early[..., :-1]):
                return f"it is one step too {word} along its last axis"
    return ""


def of_part(found: Array, right: Array) -> str:
    """Right but for one end of the last axis, or but for a few numbers."""
    wrong = ~np.isclose(found, right, RTOL, RTOL * abs(right).max(initial=0))
    if right.ndim and right.shape[-1] > 2:
        T = right.shape[-1]
        steps = np.flatnonzero(wrong.reshape(-1, T).any(axis=0))
        for end, places in (("first", np.arange(len(steps))), ("last", np.arange(T - len(steps), T))):
            if 0 < len(steps) < T and np.array_equal(steps, places):
                return f"it is wrong only at the {end} {len(steps)} of {T} places along its last axis"
    count = np.count_nonzero(wrong)
    return f"it is wrong only in {count} of its {right.size} numbers" if 0 < count <= right.size / 4 else ""

"""Updates in place, of gradients and of running statistics: at once, or deferred and then many in one call.

    a ← a + v                   a gradient, to which every use of a parameter adds its share
    a ← a + r (v - a)           a running statistic: the exponential moving average

On a GPU a launch takes longer than the addition of one layer's gradients. So a network's passes defer the updates of
their layers and do them at the end, by one call for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from minieqt.backend import accelerated

Array = Any


@accelerated
def add_each(like: Array, arrays: tuple[Array, ...], values: tuple[Array, ...]) -> None:
    """arrays += values, in place; each array of its value's shape, all of the dtype and on the device of `like`."""
    for array, value in zip(arrays, values, strict=True):
        array += value


@accelerated
def update_running(like: Array, arrays: tuple[Array, ...], values: tuple[Array, ...], rate: float) -> None:
    """arrays += rate (values - arrays), in place: the exponential moving average."""
    for array, value in zip(arrays, values, strict=True):
        array += rate * (value - array)


# Deferred updates, each ((function, its further arguments), array, value); None where none are deferred.
_waiting: ContextVar[list[tuple[tuple[Callable, tuple], Array, Array]] | None] = ContextVar("waiting", default=None)


def change(update: Callable, pairs: Sequence[tuple[Array, Array]], *rest: float) -> None:
    """Update arrays by values, (array, value) each, with `add_each` or `update_running`: at once, or deferred."""
    waiting = _waiting.get()
    if waiting is not None:
        waiting += [((update, rest), array, value) for array, value in pairs]
        return
    arrays, values = zip(*pairs, strict=True)
    update(arrays[0], arrays, values, *rest)


@contextmanager
def deferred_updates() -> Iterator[None]:
    """Defer what `change` is called for, and do it at the end by one call for each kind, in the order of the calls.

    The arrays must not be read before the end, and none may be changed twice.
    """
    waiting: list[tuple[tuple[Callable, tuple], Array, Array]] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    for kind in dict.fromkeys(kind for kind, _, _ in waiting):
        update, rest = kind
        change(update, [(array, value) for other, array, value in waiting if other == kind], *rest)

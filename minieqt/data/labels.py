"""What the network should answer: detection, P and S as curves over the window.

Detection is 1 from P to S + 0.4 (S − P): the published measure of where an earthquake's shaking ends. An arrival
is a bump of 20 samples (0.2 s) to either side, because the analyst's pick is itself uncertain:

    gaussian   exp(−(t − a)² / (2 · 10²))         the paper's choice
    triangle   1 − |t − a| / 20
    box        1

Mousavi et al. 2020, Methods ("Data and labeling"); the alternatives are those of the published code.

Where an analyst picked only one of the two phases, the other may be anywhere, and a label of 0 would teach the network
to miss it. Such samples hold UNLABELLED, which the loss leaves out:

    only P    S and detection from P on: S comes later, and how much later nobody knows
    only S    P from the recording's first sample to S; detection from there on

up to the coda's end, if that is known: after it all is quiet again. With several earthquakes in a window, a label of
one replaces an UNLABELLED of another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minieqt.backend import array_module
from minieqt.data.table import SAMPLES
from minieqt.errors import UserError

Array = Any

HALF_WIDTH = 20  # samples to either side of an arrival
DEVIATION = 10.0  # of the Gaussian, samples
DETECTION, P, S = range(3)  # the order of the labels and of the network's outputs
UNLABELLED = -1.0  # outside the range 0 to 1 of labels: no loss, no gradient

SHAPES: dict[str, Callable[[Array], Array]] = {
    "gaussian": lambda distance: np.exp(-(distance**2) / (2 * DEVIATION**2)),
    "triangle": lambda distance: 1 - np.abs(distance) / HALF_WIDTH,
    "box": lambda distance: np.ones_like(distance),
}


def check_shape(shape: str) -> None:
    """UserError unless it is one of SHAPES."""
    if shape not in SHAPES:
        raise UserError(f"unknown label shape {shape!r}; choose one of {', '.join(SHAPES)}")


def detection_end(p: Array, s: Array) -> Array:
    """S + 0.4 (S − P) in samples; two fifths, so that whole numbers stay whole."""
    return s + 2 * (s - p) / 5


def make_labels(p: Array, s: Array, shape: str = "gaussian", unknown: tuple[float, float] = (0, SAMPLES)) -> Array:
    """Labels of one window: (3, 6000) float32, the rows detection, P, S.

    p, s: the arrivals in samples, one number or one for each event; NaN where a phase was not picked, both for noise.
    Events add up, clipped to 1; what falls outside the window is cut off. unknown: from where up to where an event
    with a single pick leaves samples UNLABELLED, the recording's start and the coda's end. UserError for an unknown
    shape.
    """
    check_shape(shape)
    labels = np.zeros((3, SAMPLES), np.float32)
    for p_event, s_event in zip(np.atleast_1d(p), np.atleast_1d(s), strict=True):
        labels = join_labels(labels, _labels_of_one(p_event, s_event, shape, unknown))
    return labels


def join_labels(one: Array, other: Array) -> Array:
    """The labels of two earthquakes in a window: their sum, at most 1; UNLABELLED where one is and the other is 0."""
    xp = array_module(one)
    both = xp.minimum(xp.maximum(one, 0) + xp.maximum(other, 0), 1)
    return xp.where((both == 0) & (xp.minimum(one, other) < 0), np.float32(UNLABELLED), both)


def _labels_of_one(p: float, s: float, shape: str, unknown: tuple[float, float]) -> Array:
    labels = np.zeros((3, SAMPLES), np.float32)
    for phase, arrival in ((P, p), (S, s)):
        if not np.isnan(arrival):
            start, end = _inside(arrival - HALF_WIDTH, arrival + HALF_WIDTH, closed=True)
            labels[phase, start:end] = SHAPES[shape](np.arange(start, end) - arrival)
    if not np.isnan(p) and not np.isnan(s):
        start, end = _inside(p, detection_end(p, s), closed=False)
        labels[DETECTION, start:end] = 1
    elif not np.isnan(p):
        start, end = _inside(p, unknown[1], closed=False)
        labels[[DETECTION, S], start:end] = UNLABELLED
    elif not np.isnan(s):
        start, end = _inside(unknown[0], unknown[1], closed=False)
        labels[DETECTION, start:end] = UNLABELLED
        start, end = _inside(unknown[0], s, closed=False)
        labels[P, start:end] = UNLABELLED
    return labels


def _inside(first: float, last: float, closed: bool) -> tuple[int, int]:
    """Slice bounds of the samples from first to last (including a whole `last` if closed) inside the window."""
    start = int(np.ceil(first))
    end = int(np.floor(last)) + 1 if closed else int(np.ceil(last))
    return min(max(start, 0), SAMPLES), min(max(end, 0), SAMPLES)

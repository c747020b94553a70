"""Earthquakes, rows and rates to draw plans for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from minieqt.data.augmentation import AUGMENTED, Augmentation
from minieqt.data.draw import draw_plan, window_uniforms

LOUD, QUIET = np.array([30.0, 31.0, 32.0]), np.array([30.0, 9.9, 32.0])
ALL = Augmentation(1, 1, 1, 1, 0.5, 1, 1, 0.97, 1)
MEETING = replace(ALL, real_noise=0, other_event=1)

# P, S and the coda's end, in quarters of a sample
earthquakes = st.tuples(st.integers(0, 10000), st.integers(40, 8000), st.integers(4, 6000)).map(
    lambda t: (t[0] / 4, (t[0] + t[1]) / 4, min(sum(t) / 4, 6000))
)
rows = st.integers(0, 2**32 - 1)
rates = st.builds(Augmentation, *[st.sampled_from([0, 0.5, 1])] * 7, st.sampled_from([0, 0.97]))


def plan_of(row, arrivals, augmentation=ALL, copy=AUGMENTED, snr_db=LOUD, epoch=0, other=None):
    u = window_uniforms(0, epoch, np.array([row]), copy)[0]
    return draw_plan(u, *arrivals, snr_db, augmentation, copy, other)


def plans(count, arrivals, copy=AUGMENTED, snr_db=LOUD, augmentation=None):
    uniforms = window_uniforms(5, 1, np.arange(count), copy)
    return [draw_plan(u, *arrivals, snr_db, augmentation or Augmentation(), copy) for u in uniforms]


def share(flags):
    return np.mean(list(flags))


def window_of(p, s):
    """Silence but for one sample at P and one at S, so that one sees where they go."""
    x = np.zeros((3, 6000), np.float32)
    x[:, int(p)] = 1000
    x[:, int(s)] = -2000
    return x, np.array([[p, s]])

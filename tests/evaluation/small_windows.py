"""Small sets of windows for the tests: a table of arrivals, and answers made to order."""

from __future__ import annotations

import numpy as np

from minieqt.data.table import TEXT, TraceTable
from minieqt.evaluation.answers import NEVER, Answers

NAN = np.nan


def table(p, s=None, **columns):
    """A table of windows whose P stands at p (NaN: noise); everything else is the same for all unless given."""
    p = np.asarray(p, float)
    n = len(p)
    s = p + 500 if s is None else np.asarray(s, float)
    values = {
        "name": np.array([f"trace{i}" for i in range(n)], TEXT),
        "earthquake": np.isfinite(p),
        "p_sample": p,
        "s_sample": s,
        "coda_end": s + 1000,
        "snr_db": np.full((n, 3), 20.0),
        "event": np.array([f"event{i}" for i in range(n)], TEXT),
        "station": np.array(["XX.A"] * n, TEXT),
        "magnitude": np.full(n, 2.5),
        "distance_km": np.full(n, 15.0),
        "start_time": np.full(n, "NaT", "M8[us]"),
        "second_p": np.full(n, np.nan),
        "second_s": np.full(n, np.nan),
    }
    return TraceTable(**(values | columns))


def answers(detection, p, s=None):
    """Answers from heights of detection, and (sample, height) of P and S; None where there is no peak."""
    s = p if s is None else s
    pairs = {phase: [one or (-1, NEVER) for one in peaks] for phase, peaks in (("P", p), ("S", s))}
    return Answers(
        {"detection": np.array(detection, float)}
        | {phase: np.array([height for _, height in peaks], float) for phase, peaks in pairs.items()},
        {phase: np.array([sample for sample, _ in peaks], np.int64) for phase, peaks in pairs.items()},
    )


def random_case(rng, n=200):
    """(answers, table) of windows in which everything happens: right and wrong picks, none, ties, noise."""
    p = np.where(rng.random(n) < 0.7, rng.integers(500, 4000, n), NAN)
    found = []
    for arrival in p:
        near = arrival + rng.integers(-80, 81) if np.isfinite(arrival) else rng.integers(0, 6000)
        found.append(None if rng.random() < 0.2 else (int(near), round(float(rng.random()), 2)))
    detection = np.where(np.isfinite(p), rng.beta(3, 1, n), rng.beta(1, 3, n)).round(2)
    return answers(detection, found), table(p, p)

"""Worked answers of chapter 10."""

from __future__ import annotations

import numpy as np


def rotate(x, arrivals, by):
    y = np.empty_like(x)
    for t in range(x.shape[-1]):
        to = (t + by) % x.shape[-1]
        y[:, to] = x[:, t]
    return y, arrivals + by


def shift_with_zeros(x, by):
    y = np.zeros_like(x)
    y[:, by:] = x[:, : x.shape[1] - by]
    return y


def chance_without_z(rate):
    return rate * 3 / 7


def steps_and_rest(by):
    steps = round(by / 128)
    return steps, by - 128 * steps


def turned(x, angle):
    e, n, z = x
    return np.stack([e * np.cos(angle) - n * np.sin(angle), n * np.cos(angle) + e * np.sin(angle), z])


def allowed(p, s, coda_end, by, second_start):
    second_fits = second_start == 0 or coda_end + by <= second_start < 6000 - (s - p) - 20
    return coda_end + by <= 6000 and second_fits

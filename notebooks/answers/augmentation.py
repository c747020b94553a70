"""Worked answers of chapter 10."""

from __future__ import annotations

import numpy as np


def rotate(x, arrivals, by):
    y = np.empty_like(x)
    for t in range(x.shape[-1]):
        to = (t + by) % x.shape[-1]
        y[:, to] = x[:, t]
    return y, arrivals + by


def off_place(picks, place):
    return (picks - place + 64) % 128 - 64


def shift_with_zeros(x, by):
    y = np.zeros_like(x)
    y[:, by:] = x[:, : x.shape[1] - by]
    return y


def chance_without_z(rate):
    return rate * 3 / 7


def unnoticed(by, tolerance):
    return abs(off_place(by, 0)) <= tolerance


def turned(x, angle):
    e, n, z = x
    return np.stack([e * np.cos(angle) - n * np.sin(angle), n * np.cos(angle) + e * np.sin(angle), z])


def allowed(p, s, coda_end, by, second_start):
    second_fits = second_start == 0 or coda_end + by <= second_start < 6000 - (s - p) - 20
    return coda_end + by <= 6000 and second_fits

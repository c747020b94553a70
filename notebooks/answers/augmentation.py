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


def best_guess(samples, tolerance):
    hits = [np.sum(abs(samples - guess) <= tolerance) for guess in samples]
    return samples[int(np.argmax(hits))]


def turned(x, angle):
    e, n, z = x
    return np.stack([e * np.cos(angle) - n * np.sin(angle), n * np.cos(angle) + e * np.sin(angle), z])

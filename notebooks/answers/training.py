"""Worked answers of chapter 09."""

from __future__ import annotations

import numpy as np

from minieqt.adam import BETA1, BETA2, EPS


def adam_by_hand(g, m, v, t, rate):
    m = BETA1 * m + (1 - BETA1) * g
    v = BETA2 * v + (1 - BETA2) * g**2
    step = rate * np.sqrt(1 - BETA2**t) / (1 - BETA1**t) * m / (np.sqrt(v) + EPS)
    return m, v, step


def first_step(g, rate=1e-3):
    return rate * np.sign(g)


def clipped(gradient, largest):
    length = np.linalg.norm(gradient)
    return gradient * (largest / length) if length > largest else gradient


def stop_at(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch + 1
    return len(losses)


def warmed_up(epoch, base, warm):
    return base * min(1, (epoch + 1) / warm)

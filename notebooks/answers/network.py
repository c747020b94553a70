"""Worked answers of chapter 08."""

from __future__ import annotations

import numpy as np

from minieqt.layers.activations import sigmoid_forward


def surprise_slopes(z, y):
    p = sigmoid_forward(z)
    dz = (p - y) / z.size
    return dz


def blind_loss(share):
    return -share * np.log(share) - (1 - share) * np.log(1 - share)  # 0.027 for P


def stable(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-abs(z)))


def at_the_fork(ddetection, dp, ds):
    return 0.05 * ddetection + 0.40 * dp + 0.55 * ds


def released_parameters():
    bilstm = 2 * 4 * 16 * (16 + 16 + 1)
    convolution = 32 * 16 + 16
    return 371_639 + bilstm + convolution + 2 * 16

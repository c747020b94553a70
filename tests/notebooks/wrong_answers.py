"""What a student might well say, and a part of what `check` must answer: {exercise: [(wrong answer, reason)]}."""

from __future__ import annotations

import numpy as np

from minieqt.layers.conv1d import conv1d_forward

WRONG_ANSWERS = {
    "seismogram.pick_by_eye": [
        ((700, 1313), "not in samples"),
        ((7.0, 14.0), "your S is 0.9 s late"),
        ((6.0, 13.1), "your P is 1.0 s early"),
    ],
    "seismogram.distance": [
        (lambda p, s, vp=6.0, vs=3.5: (s - p) / (1 / vs - 1 / vp), "hundredths of a second"),
        (lambda p, s, vp=6.0, vs=3.5: (s - p) / 100 * vp, "the distance for S - P = 1 s is off"),
        (lambda p, s, vp=6.0, vs=3.5: (s - p) / 100 * 8.4, "for other speeds"),
    ],
    "seismogram.triangle": [
        (lambda arrival, T: 1 - abs(np.arange(T) - arrival) / 20, "below zero"),
        (lambda arrival, T: np.maximum(0, 1 - abs(np.arange(T) - arrival) / 10), "off by up to"),
    ],
    "seismogram.snr_db": [
        (lambda x, p, s: 10 * np.log10(x[:, 1500:2000].std(axis=1) / x[:, 500:1000].std(axis=1)), "one of powers"),
        (lambda x, p, s: 20 * np.log10(x[:, 1500:2000].std() / x[:, 500:1000].std()), "each component"),
    ],
    "backpropagation.softplus_backward": [(lambda dy, y: dy / (1 + np.exp(-y)), "the sigmoid of y")],
    "backpropagation.scale_backward": [
        (lambda dy, x, g: (dy * g[:, None], (dy * x).sum(axis=0)), "a number for each channel"),
        (lambda dy, x, g: (dy, (dy * x).sum(axis=(0, 2))), "dx is off"),
    ],
    "backpropagation.demean_backward": [(lambda dy: dy, "that is dy itself"), (lambda dy: dy - dy.mean(), "dx is off")],
    "backpropagation.numerical_gradient": [
        (lambda value, array, eps: np.full(array.shape, value()), "the gradient is off"),
        (lambda value, array, eps: array.__iadd__(eps), "put every element back"),
    ],
    "convolution.receptive_field": [
        (sum, "27 counts the centre three times"),
        (lambda kernels: 1 + sum(kernels), "11 samples, not 12"),
        (lambda kernels: 1 + sum(K // 2 * 2 for K in kernels), "two taps see 5"),
    ],
    "convolution.multiplications": [(lambda C, O, K, T: O * K * T, "a loop of their own")],
    "convolution.as_matrix": [
        (lambda w, T: sum(w[k] * np.eye(T, k=(len(w) - 1) // 2 - k) for k in range(len(w))), "the transpose"),
        (lambda w, T: np.eye(T), "M x for 3 taps"),
        (lambda w, T: w, "has shape (3,)"),
    ],
    "convolution.dilated": [
        (lambda x, W, d: conv1d_forward(x, W, np.zeros(4))[0], "y for d = 2 is off"),
        (lambda x, W, d: x, "y for d = 1 has shape"),
    ],
}

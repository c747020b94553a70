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
    "pooling.pooled_length": [
        (lambda T, stages: T >> stages, "an odd one is kept"),
        (lambda T, stages: T // 2, "halved four times are 375"),
    ],
    "pooling.meanpool_backward": [
        (lambda dy: np.repeat(dy, 2, axis=2), "where is the factor?"),
        (lambda dy: dy / 2, "wanted (2, 3, 8)"),
    ],
    "pooling.reach": [
        (lambda kernels: sum(kernels), "sees 12 samples, not 11"),
        (lambda kernels: 2 + sum(K - 1 for K in kernels), "= 30 samples, not 20"),
    ],
    "pooling.is_adjoint": [
        (lambda forward, backward, x_shape, y_shape: True, "forgets every second sample"),
        (
            lambda forward, backward, x_shape, y_shape: bool(
                np.isclose(forward(np.ones(x_shape)).sum(), backward(np.ones(y_shape)).sum())
            ),
            "are x and y random?",
        ),
    ],
    "normalisation.evaluation_backward": [
        (lambda dy, gamma, variance, eps: dy - dy.mean(axis=(0, 2), keepdims=True), "no mean is taken off"),
        (lambda dy, gamma, variance, eps: dy / np.sqrt(variance + eps)[:, None], "dx is off"),
    ],
    "normalisation.fold": [
        (lambda W, b, gamma, beta, mean, variance, eps: (W * gamma / np.sqrt(variance + eps), b), "the output is off"),
        (lambda W, b, gamma, beta, mean, variance, eps: (W, b), "the new W is off"),
    ],
    "normalisation.followed_mean": [
        (lambda means, momentum: float(np.mean(means)), "after one batch of mean 5"),
        (lambda means, momentum: means[0] * (1 - momentum), "after twenty batches"),
    ],
    "normalisation.dropped_mean_and_variance": [
        (lambda x, q: (x, x**2 / (1 - q)), "take the square of the mean off"),
        (lambda x, q: (x * (1 - q), 0.0), "the mean is off"),
    ],
    "residual.residual_backward": [
        (lambda dy, f_backward, g_backward: g_backward(f_backward(dy)), "straight into the sum"),
        (lambda dy, f_backward, g_backward: dy + f_backward(g_backward(dy)), "meets f first"),
        (lambda dy, f_backward, g_backward: dy, "dx is off"),
    ],
    "residual.block_parameters": [
        (lambda C, K: 2 * C + C * C * K + C, "two halves"),
        (lambda C, K: 2 * C * C * K, "parameters, not 24,576"),
    ],
    "residual.gradient_sizes": [
        (lambda depth: (0.5**depth, 1.0), "the residual chain's, for depth 1"),
        (lambda depth: (0.5, 1.5), "the plain chain's, for depth 7"),
    ],
    "lstm.lstm_parameters": [
        (lambda C, H, D: D * 4 * H * (C + H + 2), "two biases"),
        (lambda C, H, D: D * H * (C + H + 1), "four blocks"),
        (lambda C, H, D: D * 4 * H * (C + H), "parameters, not 10,240"),
    ],
    "lstm.half_life": [(lambda f: 1 / (1 - f), "the half-life of f = 0.5"), (lambda f: 2 * f, "of f = 0.95")],
    "lstm.recur_backward": [
        (lambda dh, x, h, w, u: ((dh * (1 - h**2) * x).sum(), 0.0), "dw is off"),  # nothing goes back in time
    ],
    "lstm.hard_gate_backward": [
        (lambda dy, y: dy * y * (1 - y), "three straight lines"),
        (lambda dy, y: 0.2 * dy, "where the line is cut off"),
    ],
    "attention.softmax_backward": [(lambda da, a: da * a, "each of them feels it"), (lambda da, a: da, "de is off")],
    "attention.row_sum": [
        (lambda e, keep: 1.0, "before the band is cut out"),
        (lambda e, keep: float(keep.sum()), "the sum without a band"),
    ],
    "attention.tanh_of_pairs": [
        (lambda u, v: np.tanh(u + v), "wanted (4, 4, 3)"),
        (lambda u, v: np.tanh(u[None] + v[:, None]), "v to the second"),
    ],
    "attention.knows_order": [
        (lambda width: True, "swapped steps give swapped outputs"),
        (lambda width: False, "knows who its neighbours are"),
    ],
}

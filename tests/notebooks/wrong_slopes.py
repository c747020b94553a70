"""Backward passes with a likely mistake, and a part of what the check must say: {exercise: [(wrong answer, reason)]}.

The first answer to a chapter's "find the bug" is the one that the chapter shows.
"""

from __future__ import annotations

import numpy as np
from answers import attention, backpropagation, convolution, lstm, normalisation

from minieqt.layers.activations import relu_backward
from minieqt.layers.batchnorm import batchnorm_backward
from minieqt.layers.conv1d import conv1d_backward, conv1d_forward, pad_same


def tanh_from_its_input(dy, x, W, b):
    z = W @ x + b[:, None]
    return backpropagation.dense_slopes(dy * (1 - z**2), x, W)


def without_tanh(dy, x, W, b):
    return backpropagation.dense_slopes(dy, x, W)


def taps_assigned(dy, x, W):
    _, dW, db = convolution.conv_slopes(dy, x, W)
    dpadded = np.zeros_like(pad_same(x, W.shape[2]))
    for k in range(W.shape[2]):
        dpadded[:, :, k : k + x.shape[2]] = W[:, :, k].T @ dy
    left = (W.shape[2] - 1) // 2
    return dpadded[:, :, left : left + x.shape[2]], dW, db


def taps_reversed(dy, x, W):
    dx, dW, db = convolution.conv_slopes(dy, x, W)
    return dx, dW[:, :, ::-1], db


def cropped_in_the_middle(dy, x, W):
    T, K = x.shape[2], W.shape[2]
    dpadded = np.zeros((*x.shape[:2], T + K - 1))
    for k in range(K):
        dpadded[:, :, k : k + T] += W[:, :, k].T @ dy
    return dpadded[:, :, K // 2 : K // 2 + T]


def both_of_a_pair(dy, x):
    return np.repeat(dy, 2, axis=2)[:, :, : x.shape[2]] * (x == x.max(axis=2, keepdims=True))


def second_at_a_tie(dy, x):
    padded = np.pad(x, ((0, 0), (0, 0), (0, x.shape[2] % 2)), constant_values=-np.inf)
    second_won = padded[:, :, 1::2] >= padded[:, :, 0::2]
    return np.stack([dy * ~second_won, dy * second_won], axis=-1).reshape(padded.shape)[:, :, : x.shape[2]]


def direct_way_alone(dy, gamma, x_hat, inverse_std):
    return gamma[:, None] * dy * inverse_std[:, None]


def through_the_mean_alone(dy, gamma, x_hat, inverse_std):
    g = gamma[:, None] * dy
    return (g - g.mean(axis=(0, 2), keepdims=True)) * inverse_std[:, None]


def for_variance_one(dy, x, gamma, eps=1e-3):
    centred = x - x.mean(axis=(0, 2), keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=(0, 2), keepdims=True) + eps)
    g = gamma[:, None] * dy
    return (g - g.mean(axis=(0, 2), keepdims=True) - centred * (g * centred).mean(axis=(0, 2), keepdims=True)) / sigma


def divided_by_variance(dy, x, gamma, eps=1e-3):
    sigma = np.sqrt(x.var(axis=(0, 2), keepdims=True) + eps)
    return normalisation.centred_slopes(dy, x, gamma, eps) / sigma


def means_of_the_batch(dy, gamma, x_hat, sigma):
    _, dgamma, dbeta = normalisation.slopes_of_steps(dy, gamma, x_hat, sigma)
    g = gamma[:, None] * dy
    axes = {"axis": (0, 2), "keepdims": True}
    return (g - g.mean(**axes) - x_hat * (g * x_hat).mean(**axes)) / sigma, dgamma, dbeta


def averaged_parameters(dy, gamma, x_hat, sigma):
    dx, _, _ = normalisation.slopes_of_steps(dy, gamma, x_hat, sigma)
    return dx, (dy * x_hat).mean(axis=(0, 2)), dy.mean(axis=(0, 2))


def sum_in_place(dy, x, W, b):
    _, cache = conv1d_forward(x, W, b)
    dx = dy
    dx += conv1d_backward(dy, cache)[0]
    _, dW, db = conv1d_backward(dy, cache)
    return dx, dW, db


def only_through_f(dy, x, W, b):
    return conv1d_backward(dy, conv1d_forward(x, W, b)[1])


def without_mask(dy, conv_cache, mask, bent, norm_cache):
    dbent, dW, db = conv1d_backward(dy, conv_cache)
    return *batchnorm_backward(relu_backward(dbent, bent), norm_cache), dW, db


def without_relu(dy, conv_cache, mask, bent, norm_cache):
    dbent, dW, db = conv1d_backward(dy, conv_cache)
    return *batchnorm_backward(dbent * mask, norm_cache), dW, db


def _memory_slopes(cell=True, state=True):
    def slopes(dh, x, W, U, kept):
        dx, dW, dU, db = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros(len(W))
        dh_next = dc_next = np.zeros_like(kept[0][5])
        for t in reversed(range(len(kept))):
            i, f, g, o, c, _, h_before, c_before = kept[t]
            dh_t = dh[:, :, t] + state * dh_next
            dc = dh_t * o * (1 - np.tanh(c) ** 2) + cell * dc_next
            blocks = (dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g**2))
            dz = np.concatenate([*blocks, dh_t * np.tanh(c) * o * (1 - o)], axis=1)
            dx[:, :, t] = dz @ W
            dW += dz.T @ x[:, :, t]
            dU += dz.T @ h_before
            db += dz.sum(axis=0)
            dh_next, dc_next = dz @ U, dc * f
        return dx, dW, dU, db

    return slopes


def state_after_the_step(dh, U, kept):
    return lstm.late_slopes(dh, U, [(*step[:6], step[5], step[7]) for step in kept])


def nothing_goes_back(dh, U, kept):
    parts = [lstm.late_slopes(dh[:, :, t : t + 1], U, kept[t : t + 1]) for t in range(len(kept))]
    return tuple(map(sum, zip(*parts, strict=True)))


def without_the_maximum(da, a, e):
    return attention.score_slopes(da, a, e, through_maximum=False)


def _attend_slopes(dx_of):
    def slopes(dy, x, Wt, Wx, Wa, h, e, a):
        dx, *others = attention.attend_slopes(dy, x, Wt, Wx, Wa, h, e, a)
        return dx_of(dx, dy, a), *others

    return slopes


WRONG_SLOPES = {
    "backpropagation.dense_slopes": [
        (lambda dy, x, W: (W.T @ dy, np.einsum("not,nct->co", dy, x), dy.sum(axis=(0, 2))), "the transpose"),
        (lambda dy, x, W: (W.T @ dy, dy @ x.swapaxes(1, 2), dy.sum(axis=(0, 2))), "sum it over axis 0"),
        (lambda dy, x, W: (W.T @ -dy, np.einsum("not,nct->oc", dy, x), dy.sum(axis=(0, 2))), "its sign is wrong"),
    ],
    "backpropagation.tanh_layer_slopes": [
        (tanh_from_its_input, "dx has no valley"),
        (without_tanh, "dx has no valley"),
    ],
    "convolution.conv_slopes": [
        (taps_assigned, "dx has no valley"),
        (taps_reversed, "dW has no valley, and over all its elements it is off by"),
        (taps_reversed, "it is reversed along axis 2"),
    ],
    "convolution.cropped_slopes": [
        (cropped_in_the_middle, "dx for 4 taps has no valley"),
        (cropped_in_the_middle, "it is one step too early along its last axis"),
        (lambda dy, x, W: cropped_in_the_middle(dy, x, W[:, :, ::-1]), "dx for 5 taps has no valley"),
    ],
    "pooling.pool_slopes": [
        (both_of_a_pair, "dx at a tie"),
        (second_at_a_tie, "dx at a tie, where the first gets everything, is off by up to 5: it is reversed"),
        (lambda dy, x: dy, "dx at a tie, where the first gets everything, has shape (1, 1, 1), wanted (1, 1, 2)"),
    ],
    "normalisation.norm_slopes": [
        (direct_way_alone, "dx has no valley"),
        (through_the_mean_alone, "dx has no valley"),
    ],
    "normalisation.centred_slopes": [(for_variance_one, "dx has no valley"), (divided_by_variance, "dx has no valley")],
    "normalisation.slopes_of_steps": [
        (means_of_the_batch, "dx has no valley"),
        (averaged_parameters, "off by 92 %; it is the right one divided by 12"),
    ],
    "residual.sum_slopes": [(sum_in_place, "dW has no valley"), (only_through_f, "dx has no valley")],
    "residual.half_slopes": [(without_mask, "dx has no valley"), (without_relu, "dx has no valley")],
    "lstm.memory_slopes": [
        (_memory_slopes(cell=False), "only at the first 6 of 7 places along its last axis"),
        (_memory_slopes(state=False), "only at the first 6 of 7 places along its last axis"),
    ],
    "lstm.late_slopes": [(state_after_the_step, "dU has no valley"), (nothing_goes_back, "dU has no valley")],
    "attention.score_slopes": [
        (without_the_maximum, "de has no valley"),
        (lambda da, a, e: da * a, "de has no valley"),
    ],
    "attention.attend_slopes": [
        (_attend_slopes(lambda dx, dy, a: dx - dy @ a + dy @ a.transpose(0, 2, 1)), "dx has no valley"),
        (_attend_slopes(lambda dx, dy, a: dx - dy @ a), "dx has no valley"),
    ],
    "network.surprise_slopes": [
        (lambda z, y: 1 / (1 + np.exp(-z)) - y, "it is 18 times the right one"),
        (lambda z, y: (z - y) / z.size, "dz has no valley"),
        (lambda z, y: (y - 1 / (1 + np.exp(-z))) / z.size, "its sign is wrong"),
    ],
}

"""Worked answers of chapter 02."""

from __future__ import annotations

import numpy as np

from minieqt.layers.conv1d import pad_same


def conv_slopes(dy, x, W):
    T, K = x.shape[2], W.shape[2]
    padded, dW = pad_same(x, K), np.zeros_like(W)
    dpadded = np.zeros_like(padded)
    for k in range(K):
        dW[:, :, k] = np.einsum("not,nct->oc", dy, padded[:, :, k : k + T])
        dpadded[:, :, k : k + T] += W[:, :, k].T @ dy
    left = (K - 1) // 2
    return dpadded[:, :, left : left + T], dW, dy.sum(axis=(0, 2))


def cropped_slopes(dy, x, W):
    T, K = x.shape[2], W.shape[2]
    dpadded = np.zeros((*x.shape[:2], T + K - 1))
    for k in range(K):
        dpadded[:, :, k : k + T] += W[:, :, k].T @ dy
    left = (K - 1) // 2  # K // 2 is the same for an odd K, and one too many for an even one
    return dpadded[:, :, left : left + T]


def receptive_field(kernels):
    return 1 + sum(K - 1 for K in kernels)


def multiplications(C, O, K, T):
    return C * O * K * T  # the first layer: 1.6 million; the last: 1.2 million, on a 64th of the samples


def as_matrix(w, T):
    left = (len(w) - 1) // 2
    return sum(w[k] * np.eye(T, k=k - left) for k in range(len(w)))


def dilated(x, W, d):
    K, T = W.shape[2], x.shape[2]
    left = (K - 1) // 2
    padded = np.pad(x, ((0, 0), (0, 0), (d * left, d * (K - 1 - left))))
    return sum(W[:, :, k] @ padded[:, :, d * k : d * k + T] for k in range(K))

"""Twin of minieqt/blocks/decoder.py: upsampling, convolution and ReLU without writing the upsampled array.

After upsampling, neighbouring taps read the same sample twice. With u[2t] = u[2t + 1] = x[t],

    y[2t]     = Σ_k W[k] u[2t + k - left]     = Σ_m W_even[m] x[t + m],   W_even[m] = Σ W[k], ⌊(k - left) / 2⌋ = m
    y[2t + 1] = Σ_k W[k] u[2t + 1 + k - left] = Σ_m W_odd[m] x[t + m],    W_odd[m]  = Σ W[k], ⌊(k - left + 1) / 2⌋ = m

so a convolution of K taps after upsampling is one of about K / 2 taps and twice as many filters before it, half the
work. Even and odd outputs are interleaved when a strip is drained.

A crop of one sample splits a pair: at the left end u[0] is gone and u[1] stays. The folded convolution knows pairs
only, so the outputs within a kernel's reach of such an end count a u that should be zero. Forward works them out anew,
backward takes the cropped sample's share off again. That is done for the crops of the published networks (of windows
of 6000 samples); any other is upsampled, cropped and convolved as it is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.compile import compiled_parallel
from kernels.cpu.correlate import convolve, convolve_backward, pack
from kernels.cpu.ends import RELU, UNFOLD
from kernels.cpu.prepared import prepared

Array = Any

FOLDED_CROPS = ((0, 0), (0, 1), (1, 1))  # an end knows them by the lengths alone


def decoder_stage_forward(x: Array, W: Array, b: Array, crop: tuple[int, int] = (0, 0)) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O), crop of each end -> y (B, O, 2T - left - right), cache."""
    y = np.empty((x.shape[0], W.shape[0], 2 * x.shape[2] - sum(crop)), np.float32)
    if crop not in FOLDED_CROPS:
        upsampled = np.repeat(x, 2, axis=2)[:, :, crop[0] : crop[0] + y.shape[2]].copy()
        left = (W.shape[2] - 1) // 2
        return y, (upsampled, W, None, left, y, convolve(RELU, upsampled, pack(W), b, left, y), crop)
    x = np.ascontiguousarray(x)
    folded, left, packed = prepared(fold_and_pack, W)
    passes = convolve(UNFOLD, x, packed, b, left, y)
    if any(crop):
        redo_ends(x, W, b, crop, y)
    return y, (x, W, folded, left, y, passes, crop)


def decoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, 2T - left - right) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W, folded, left, y, passes, crop = cache
    if folded is None:
        du, dW, db = convolve_backward(RELU, dy, y, passes, x, W, left)
        du = np.pad(du, ((0, 0), (0, 0), crop))
        return du[:, :, 0::2] + du[:, :, 1::2], dW, db
    dx, dfolded, db = convolve_backward(UNFOLD, dy, y, passes, x, folded, left)
    dW = unfold(dfolded, W.shape[2])
    if any(crop):
        take_off_cropped(dy, y, x, W, crop, dx, dW)
    return dx, dW, db.reshape(2, -1).sum(axis=0)


def redo_ends(x: Array, W: Array, b: Array, crop: tuple[int, int], y: Array) -> None:
    """The outputs within a kernel's reach of a cropped end, in place: the definition, on the few samples they read."""
    K, T = W.shape[2], y.shape[2]
    left, right = min((K - 1) // 2, T), min(K - 1 - (K - 1) // 2, T)
    by_tap = np.ascontiguousarray(W.transpose(2, 1, 0))
    if crop[0]:
        redo(x, by_tap, b, crop[0], 0, left, y)
    if crop[1]:
        redo(x, by_tap, b, crop[0], T - right, T, y)


@compiled_parallel
def redo(x: Array, by_tap: Array, b: Array, crop: int, first: int, last: int, y: Array) -> None:
    """y (B, O, T) from `first` to `last` = relu(convolution of the upsampled x, which begins at sample `crop`);
    by_tap (K, C, O): a loop over the filters runs along it."""
    (K, C, O), T = by_tap.shape, y.shape[2]
    for n in prange(x.shape[0]):
        sums = np.empty(O, np.float32)
        for t in range(first, last):
            sums[:] = b
            for k in range(K):
                at = t + k - (K - 1) // 2
                if 0 <= at < T:
                    for c in range(C):
                        value, weights = x[n, c, (at + crop) >> 1], by_tap[k, c]
                        for o in range(O):
                            sums[o] += value * weights[o]
            for o in range(O):
                y[n, o, t] = max(sums[o], np.float32(0))


def take_off_cropped(
    dy: Array, y: Array, x: Array, W: Array, crop: tuple[int, int], dx: Array, dW: Array
) -> None:
    """What the folded backward gave the cropped samples u[-1] and u[T'], taken off dx and dW in place."""
    K, T = W.shape[2], dy.shape[2]
    left = (K - 1) // 2
    for at, sample in ((-1, 0), (T, -1))[1 - crop[0] : 1 + crop[1]]:  # in the output's time, in the input's
        for k in range(K):
            t = at - k + left  # the output that tap k of the cropped sample reaches
            if 0 <= t < T:
                z = dy[:, :, t] * (y[:, :, t] > 0)
                dx[:, :, sample] -= z @ W[:, :, k]
                dW[:, :, k] -= z.T @ x[:, :, sample]


def fold_and_pack(W: Array) -> tuple[Array, int, tuple[Array, Array, Array]]:
    """W (O, C, K) -> what `fold` gives, and its folded weights as `convolve` takes them."""
    folded, left = fold(W)
    return folded, left, pack(folded)


@compiled_parallel
def fold(W: Array) -> tuple[Array, int]:
    """W (O, C, K) -> folded weights (2O, C, M), even filters first, and how far left of t they begin."""
    O, C, K = W.shape
    left = (K - 1) // 2
    begin = (left + 1) // 2  # the even outputs' first tap reads x[t - begin]
    folded = np.zeros((2 * O, C, (K - left) // 2 + begin + 1), np.float32)
    for o in prange(O):
        for c in range(C):
            kernel, even, odd = W[o, c], folded[o, c], folded[O + o, c]
            for k in range(K):
                even[((k - left) >> 1) + begin] += kernel[k]
                odd[((k - left + 1) >> 1) + begin] += kernel[k]
    return folded, begin


@compiled_parallel
def unfold(dfolded: Array, K: int) -> Array:
    """The gradient of folded weights (2O, C, M) -> dW (O, C, K): each tap collects from where it was folded into."""
    O, C = dfolded.shape[0] // 2, dfolded.shape[1]
    left = (K - 1) // 2
    begin = (left + 1) // 2
    dW = np.empty((O, C, K), np.float32)
    for o in prange(O):
        for c in range(C):
            kernel, even, odd = dW[o, c], dfolded[o, c], dfolded[O + o, c]
            for k in range(K):
                kernel[k] = even[((k - left) >> 1) + begin] + odd[((k - left + 1) >> 1) + begin]
    return dW

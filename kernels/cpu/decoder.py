"""Twin of minieqt/blocks/decoder.py: upsampling, convolution and ReLU without writing the upsampled array.

After upsampling, neighbouring taps read the same sample twice. With u[2t] = u[2t + 1] = x[t],

    y[2t]     = Σ_k W[k] u[2t + k - left]        = Σ_m W_even[m] x[t + m],    W_even[m] = Σ W[k] where ⌊(k - left) / 2⌋ = m
    y[2t + 1] = Σ_k W[k] u[2t + 1 + k - left]    = Σ_m W_odd[m]  x[t + m],    W_odd[m]  = Σ W[k] where ⌊(k - left + 1) / 2⌋ = m

so a convolution of K taps after upsampling is one of about K / 2 taps and twice as many filters before it, half the
work. Even and odd outputs are interleaved when a strip is drained. (The stage that crops is upsampled as it stands:
its two edges would not fold.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.conv1d import convolve_relu, convolve_relu_backward
from kernels.cpu.correlate import backward_kernel, forward_kernel
from kernels.cpu.strip import compiled, layout

Array = Any


def decoder_stage_forward(x: Array, W: Array, b: Array, crop: tuple[int, int] = (0, 0)) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, 2T - left - right), cache."""
    x = np.ascontiguousarray(x)
    (B, _, T), (O, _, K) = x.shape, W.shape
    y = np.empty((B, O, 2 * T - sum(crop)), np.float32)
    if any(crop):
        x = np.ascontiguousarray(x.repeat(2, axis=2)[:, :, crop[0] : 2 * T - crop[1]])
        folded, left = W, (K - 1) // 2
        convolve_relu(x, W, b, left, layout(x, K), y, y)
    else:
        folded, left = fold(W)
        stage(x, folded, b, left, layout(x, folded.shape[2]), y, y)
    return y, (x, W, folded, left, y, crop)


def decoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, 2T - left - right) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W, folded, left, y, crop = cache
    dy, dx, shape = np.ascontiguousarray(dy), np.empty_like(x), layout(x, folded.shape[2])
    if any(crop):
        dx, dW, db = dx, *convolve_relu_backward(dy, y, x, W, left, shape, dx)
        dx = np.pad(dx, ((0, 0), (0, 0), crop))
        return dx[:, :, 0::2] + dx[:, :, 1::2], dW, db
    dfolded, db = stage_backward(dy, y, x, folded, left, shape, dx)
    return dx, unfold(dfolded, W), db.reshape(2, -1).sum(axis=0)


def folded_taps(K: int) -> Array:
    """(2, K): the tap m, counted from the first, that tap k of the even and of the odd outputs folds into."""
    left = (K - 1) // 2
    taps = np.stack([(np.arange(K) - left) // 2, (np.arange(K) - left + 1) // 2])
    return taps - taps.min()


def fold(W: Array) -> tuple[Array, int]:
    """W (O, C, K) -> folded weights (2O, C, M), even filters first, and how far left of t they begin."""
    O, C, K = W.shape
    taps = folded_taps(K)
    folded = np.zeros((2, O, C, taps.max() + 1), np.float32)
    for k in range(K):
        for phase in range(2):
            folded[phase, :, :, taps[phase, k]] += W[:, :, k]
    return folded.reshape(2 * O, C, -1), ((K - 1) // 2 + 1) // 2


def unfold(dfolded: Array, W: Array) -> Array:
    """The gradient of folded weights (2O, C, M) -> dW (O, C, K): each tap collects from where it was folded into."""
    O, C, K = W.shape
    even, odd = dfolded.reshape(2, O, C, -1)
    taps_even, taps_odd = folded_taps(K)
    return even[:, :, taps_even] + odd[:, :, taps_odd]


@compiled
def interleave(out: Array, column: int, count: int, b: Array, y: Array, _: Array, start: int) -> None:
    """y[:, 2 start :] = relu(sums + b), the even and the odd filters' sums in turn."""
    O = y.shape[0]
    for o in range(O):
        even, odd = out[o, column : column + count], out[O + o, column : column + count]
        into = y[o, 2 * start : 2 * (start + count)]
        for t in range(count):
            into[2 * t] = max(even[t] + b[o], np.float32(0))
            into[2 * t + 1] = max(odd[t] + b[o], np.float32(0))


@compiled
def fill_interleaved(z: Array, column: int, dy: Array, y: Array, start: int, count: int, T: int) -> None:
    """z[:, column : column + count] = dy where ReLU let y through, even samples in the first rows, odd in the rest."""
    first, last = max(start, 0), min(start + count, T)
    O = dy.shape[0]
    for o in range(O):
        even, odd = z[o, column + first - start :], z[O + o, column + first - start :]
        arriving, outputs = dy[o, 2 * first : 2 * last], y[o, 2 * first : 2 * last]
        for t in range(last - first):
            even[t] = arriving[2 * t] if outputs[2 * t] > 0 else np.float32(0)
            odd[t] = arriving[2 * t + 1] if outputs[2 * t + 1] > 0 else np.float32(0)


stage = forward_kernel(interleave)
stage_backward = backward_kernel(fill_interleaved)

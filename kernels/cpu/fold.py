"""Folding: a convolution after upsampling as one of half as many taps before it.

After upsampling, neighbouring taps read the same sample twice. With u[2t] = u[2t + 1] = x[t],

    y[2t]     = Σ_k W[k] u[2t + k - left]     = Σ_m W_even[m] x[t + m],   W_even[m] = Σ W[k], ⌊(k - left) / 2⌋ = m
    y[2t + 1] = Σ_k W[k] u[2t + 1 + k - left] = Σ_m W_odd[m] x[t + m],    W_odd[m]  = Σ W[k], ⌊(k - left + 1) / 2⌋ = m

so a convolution of K taps after upsampling is one of about K / 2 taps and twice as many filters before it, half the
work. Even filters fill whole tiles, then the odd ones do.

A crop of one sample splits a pair: at the left end u[0] is gone and u[1] stays. The folded convolution knows pairs
only, so the outputs within a kernel's reach of such an end count a u that should be zero. Forward works them out anew
(`redo_ends`), backward takes the cropped sample's share off again (`take_off_cropped`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.compile import compiled
from kernels.cpu.rows import padded_rows

Array = Any


def folded_shape(O: int, K: int) -> tuple[int, int, int]:
    """Rows and taps of the folded kernel of O filters of K taps, and how far left of t it begins."""
    left = (K - 1) // 2
    begin = (left + 1) // 2  # the even outputs' first tap reads x[t - begin]
    return 2 * int(padded_rows(O)), (K - left) // 2 + begin + 1, begin


@compiled
def fold(W: Array, folded: Array) -> None:
    """W (O, C, K) -> folded (2 · padded O, C, M): even filters, then odd ones, zeros for absent ones."""
    (O, C, K), half = W.shape, folded.shape[0] // 2
    left = (K - 1) // 2
    begin = (left + 1) // 2
    folded[:] = 0
    for o in range(O):
        for c in range(C):
            kernel, even, odd = W[o, c], folded[o, c], folded[half + o, c]
            for k in range(K):
                even[((k - left) >> 1) + begin] += kernel[k]
                odd[((k - left + 1) >> 1) + begin] += kernel[k]


@compiled
def unfold(even: Array, odd: Array, dW: Array) -> None:
    """Gradients of one filter's folded kernels (C, M) -> dW (C, K): a tap collects from where it was folded into."""
    C, K = dW.shape
    left = (K - 1) // 2
    begin = (left + 1) // 2
    for c in range(C):
        for k in range(K):
            dW[c, k] = even[c, ((k - left) >> 1) + begin] + odd[c, ((k - left + 1) >> 1) + begin]


@compiled
def crop_of(T: int, T_out: int) -> tuple[int, int]:
    """The crop (left, right) of 2T to T_out samples, at most one at each end: (0, 0), (0, 1) or (1, 1)."""
    return (2 * T - T_out) // 2, (2 * T - T_out + 1) // 2


@compiled
def redo_ends(
    x: Array, x_first: int, T: int, by_tap: Array, b: Array, y: Array, y_first: int, T_out: int
) -> None:
    """The outputs within a kernel's reach of a cropped end, in place: the definition, on the few samples they read.

    Sample t of x (C, …) is in column x_first + t, of y (O, …) in y_first + t; by_tap (K, C, O): loops run along O.
    """
    K, (left, right) = by_tap.shape[0], crop_of(T, T_out)
    reach_left, reach_right = min((K - 1) // 2, T_out), min(K - 1 - (K - 1) // 2, T_out)
    if left:
        redo(x, x_first, by_tap, b, left, 0, reach_left, y, y_first, T_out)
    if right:
        redo(x, x_first, by_tap, b, left, T_out - reach_right, T_out, y, y_first, T_out)


@compiled
def redo(
    x: Array,
    x_first: int,
    by_tap: Array,
    b: Array,
    crop: int,
    first: int,
    last: int,
    y: Array,
    y_first: int,
    T_out: int,
) -> None:
    """y from `first` to `last` = relu(convolution of the upsampled x, which begins at sample `crop`)."""
    K, C, O = by_tap.shape
    sums = np.empty(O, np.float32)
    for t in range(first, last):
        sums[:] = b
        for k in range(K):
            at = t + k - (K - 1) // 2
            if 0 <= at < T_out:
                for c in range(C):
                    value, weights = x[c, x_first + ((at + crop) >> 1)], by_tap[k, c]
                    for o in range(O):
                        sums[o] += value * weights[o]
        for o in range(O):
            y[o, y_first + t] = max(sums[o], np.float32(0))


@compiled
def take_off_cropped(
    dy: Array, y: Array, y_first: int, T_out: int, x: Array, x_first: int, T: int, by_tap: Array, dx: Array, dW: Array
) -> None:
    """What the folded backward gave the cropped samples u[-1] and u[T_out], taken off dx (C, T) and dW, in place.

    dy (O, T_out); x and y as in `redo_ends`; by_tap and dW (K, C, O).
    """
    (K, C, O), (left_crop, right_crop) = by_tap.shape, crop_of(T, T_out)
    left, z = (K - 1) // 2, np.empty(O, np.float32)
    for side in range(2):
        if (left_crop, right_crop)[side]:
            at, sample = (-1, 0) if side == 0 else (T_out, T - 1)  # in the output's time, in the input's
            for k in range(K):
                t = at - k + left  # the output that tap k of the cropped sample reaches
                if 0 <= t < T_out:
                    for o in range(O):
                        z[o] = dy[o, t] if y[o, y_first + t] > 0 else np.float32(0)
                    for c in range(C):
                        weights, gradient, value, total = by_tap[k, c], dW[k, c], x[c, x_first + sample], np.float32(0)
                        for o in range(O):
                            total += z[o] * weights[o]
                            gradient[o] -= z[o] * value
                        dx[c, sample] -= total

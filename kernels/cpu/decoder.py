"""Twin of minieqt/blocks/decoder.py: upsampling, convolution and ReLU without writing the upsampled array, all stages
and the head in a chain.

How a convolution after upsampling becomes one before it, and what a crop means for it, is in fold.py. That is done for
the crops of the published networks, at most one sample at each end; a stage with any other is upsampled, cropped and
convolved as it is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.chain import Kept, chain_forward
from kernels.cpu.chain_backward import chain_backward
from kernels.cpu.ends import PLAIN, RELU, UNFOLD

Array = Any

FOLDED_CROPS = ((0, 0), (0, 1), (1, 1))  # an end knows them by the lengths alone


def decoder_forward(
    x: Array, Ws: tuple[Array, ...], bs: tuple[Array, ...], crops: tuple[tuple[int, int], ...], keep: bool = True
) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K) and b (O) of every stage and of the head, crop of every stage -> logits (B, 1, T'),
    cache; NotImplemented where a stage cannot be folded."""
    if not all(crop in FOLDED_CROPS for crop in crops):
        return NotImplemented
    lengths = [x.shape[2]]
    for crop in crops:
        lengths.append(2 * lengths[-1] - sum(crop))
    ends = (UNFOLD,) * len(crops) + (PLAIN,)
    return chain_forward(ends, x, Ws, bs, (*lengths[1:], lengths[-1]), keep)


def decoder_backward(dlogits: Array, cache: Any) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dlogits (B, 1, T') -> dx (B, C, T), dW (O, C, K) and db (O) of every stage and of the head."""
    return chain_backward(dlogits, cache) if isinstance(cache, Kept) else NotImplemented


def decoder_stage_forward(x: Array, W: Array, b: Array, crop: tuple[int, int] = (0, 0)) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O), crop of each end -> y (B, O, 2T - left - right), cache."""
    length = 2 * x.shape[2] - sum(crop)
    if crop in FOLDED_CROPS:
        y, kept = chain_forward((UNFOLD,), x, (W,), (b,), (length,))
    else:
        upsampled = np.repeat(x, 2, axis=2)[:, :, crop[0] : crop[0] + length]
        y, kept = chain_forward((RELU,), upsampled, (W,), (b,), (length,))
    return y, (kept, crop)


def decoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, 2T - left - right) -> dx (B, C, T), dW (O, C, K), db (O)."""
    kept, crop = cache
    dx, (dW,), (db,) = chain_backward(dy, kept)
    if crop not in FOLDED_CROPS:
        du = np.pad(dx, ((0, 0), (0, 0), crop))
        dx = du[:, :, 0::2] + du[:, :, 1::2]
    return dx, dW, db

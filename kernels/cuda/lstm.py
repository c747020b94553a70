"""Launches lstm.cu: twin of minieqt/layers/lstm.py."""

from __future__ import annotations

from typing import Any

from .correlate import correlate, partial_gradients, prepare
from .launch import ceil_div, contiguous, empty, launch, shared_bytes
from .layout import BACKWARD, Convolution
from .sums import sum_split

Array = Any

GATES = {"sigmoid": 0, "hard_sigmoid": 1}
STEPS = 8  # of W x at a time
IN_REGISTERS = 16  # cells of the network's LSTMs: their U stays in registers
MOST_SHARED = 64 * 1024  # bytes that a block may have on every GPU since Volta


def lstm_forward(
    x: Array,
    W: Array,
    U: Array,
    b: Array,
    input_mask: Array | None = None,
    state_mask: Array | None = None,
    gate: str = "sigmoid",
) -> tuple[Array, Any]:
    """x (B, C, T), W (D, 4H, C), U (D, 4H, H), b (D, 4H), masks (D, B, C) and (D, B, H) -> h (B, D·H, T), cache.

    NotImplemented where W and U do not fit into a block's shared memory: from about 60 cells on.
    """
    (B, C, T), (D, _, H) = x.shape, U.shape
    shared = shared_bytes(C * (4 * H + 1), C * STEPS, H, 4 * H, recurrent(H))
    if max(shared, backward_shared(H)) > MOST_SHARED:
        return NotImplemented
    x, W, U = contiguous(x), contiguous(W), contiguous(U)
    input_mask, state_mask = sample_first(input_mask), sample_first(state_mask)
    y, gates, cells = empty(x, (B, D * H, T)), empty(x, (B, D, T, 4 * H)), empty(x, (B, D, T, H))
    arguments = x, W, U, contiguous(b), input_mask, state_mask, GATES[gate], y, gates, cells, C, T, H
    launch("lstm.cu", "lstm_forward", (B, D), threads(H), arguments, shared)
    return y, (x, W, U, input_mask, state_mask, gate, y, gates, cells)


def lstm_backward(dh: Array, cache: Any) -> tuple[Array, Array, Array, Array]:
    """dh (B, D·H, T) -> dx (B, C, T), dW (D, 4H, C), dU (D, 4H, H), db (D, 4H)."""
    x, W, U, input_mask, state_mask, gate, _, gates, cells = cache
    (B, C, T), (D, _, H) = x.shape, U.shape
    dz, dx = empty(x, gates.shape), empty(x, x.shape)
    arguments = contiguous(dh), U, state_mask, GATES[gate], gates, cells, dz, T, H
    launch("lstm.cu", "lstm_backward", (B, D), threads(H), arguments, backward_shared(H))
    for d, prepared in enumerate(prepare(*(Convolution(W[d, :, :, None], BACKWARD, 4 * H, C, 1, T) for d in range(D)))):
        correlate("lstm.cu", "lstm_input_gradient", prepared, (dz, input_mask, dx, C, D, H, T, d), B)
    dW, dU, db = empty(x, W.shape), empty(x, U.shape), empty(x, (D, 4 * H))
    for d in range(D):
        sum_split(direction_gradient(d, dz, cache), dW[d], dU[d], db[d])
    return dx, dW, dU, db


def direction_gradient(d: int, dz: Array, cache: Any) -> Array:
    """The blocks' partial gradients of direction d's W and U, side by side, and b: (blocks, 4H (C + H + 1))."""
    x, _, U, input_mask, state_mask, _, y, *_ = cache
    (B, C, T), (D, _, H) = x.shape, U.shape

    def arguments(partial: Array) -> tuple:
        return dz, x, y, input_mask, state_mask, partial, B, C, D, H, T, d

    return partial_gradients("lstm.cu", "lstm_weight_gradient", arguments, x, B, C + H, 4 * H, 1, T)


def sample_first(mask: Array | None) -> Array | None:
    """(D, B, …) -> (B, D, …), as the layer drew it."""
    return None if mask is None else contiguous(mask.transpose(1, 0, 2))


def threads(H: int) -> int:
    """One per gate row, in whole warps."""
    return 32 * ceil_div(4 * H, 32)


def backward_shared(H: int) -> int:
    """Bytes of shared memory that a block needs backward."""
    return shared_bytes(4 * H, 4 * H, recurrent(H))


def recurrent(H: int) -> int:
    """How many numbers of U are in shared memory."""
    return 0 if H == IN_REGISTERS else 4 * H * H

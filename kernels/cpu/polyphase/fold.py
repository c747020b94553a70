"""Folding: a convolution after upsampling as one of half as many taps before it.

After upsampling, neighbouring taps read the same sample twice. With u[2t] = u[2t + 1] = x[t],

    y[2t]     = Σ_k W[k] u[2t + k - left]     = Σ_m W_even[m] x[t + m],   W_even[m] = Σ W[k], ⌊(k - left) / 2⌋ = m
    y[2t + 1] = Σ_k W[k] u[2t + 1 + k - left] = Σ_m W_odd[m] x[t + m],    W_odd[m]  = Σ W[k], ⌊(k - left + 1) / 2⌋ = m

so a convolution of K taps after upsampling is one of about K / 2 taps and twice as many filters before it, half the
work. If the odd outputs' first m is one more than the even ones', they read the same rows as the even outputs one pair
later.
"""

from __future__ import annotations

from typing import Any

from ..runtime.compile import compiled

Array = Any


def folded_taps(K: int) -> tuple[int, int, int]:
    """How far left of t the even outputs' taps begin, how many later the odd outputs' do (0 or 1), and how many taps
    are enough for both."""
    left = (K - 1) // 2
    begin, lag = (left + 1) // 2, left % 2
    return begin, lag, 1 + begin + max((K - 1 - left) // 2, (K - left) // 2 - lag)


@compiled
def fold(W: Array, begin: int, lag: int, even: Array, odd: Array) -> None:
    """One filter's W (C, K) -> its folded kernels (C, taps)."""
    C, K = W.shape
    left = (K - 1) // 2
    even[:] = 0
    odd[:] = 0
    for c in range(C):
        for k in range(K):
            even[c, ((k - left) >> 1) + begin] += W[c, k]
            odd[c, ((k - left + 1) >> 1) + begin - lag] += W[c, k]


@compiled
def unfold(even: Array, odd: Array, begin: int, lag: int, dW: Array) -> None:
    """Gradients of one filter's folded kernels -> dW (C, K): a tap adds up those of the taps it was folded into."""
    C, K = dW.shape
    left = (K - 1) // 2
    for c in range(C):
        for k in range(K):
            dW[c, k] = even[c, ((k - left) >> 1) + begin] + odd[c, ((k - left + 1) >> 1) + begin - lag]

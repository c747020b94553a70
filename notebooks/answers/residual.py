"""Worked answers of chapter 05."""

from __future__ import annotations


def residual_backward(dy, f_backward, g_backward):
    return dy + g_backward(f_backward(dy))


def block_parameters(C, K):
    return 2 * (2 * C + C * C * K + C)


def gradient_sizes(depth):
    return 0.5**depth, 1.5**depth

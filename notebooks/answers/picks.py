"""Worked answers of chapter 14."""

from __future__ import annotations

import numpy as np


def window_starts(N, length, step):
    return sorted({*range(0, N - length + 1, step), N - length})


def stack_mean(pieces, starts, N):
    total, count = np.zeros(N), np.zeros(N)
    for piece, first in zip(pieces, starts, strict=True):
        total[first : first + len(piece)] += piece
        count[first : first + len(piece)] += 1
    return total / count


def match(ours, theirs, tolerance):
    pairs = i = j = 0
    while i < len(ours) and j < len(theirs):
        if abs(ours[i] - theirs[j]) <= tolerance:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif ours[i] < theirs[j]:
            i += 1
        else:
            j += 1
    return pairs


def origin_time(p_times, s_times, ratio=1.73):
    return np.mean(p_times - (s_times - p_times) / (ratio - 1))

"""Stretches of time, as (first nanosecond, one after the last), in order and apart."""

from __future__ import annotations

from collections.abc import Iterable

SECOND = 10**9  # nanoseconds
DAY = 86400 * SECOND

Span = tuple[int, int]


def duration(samples: int, rate: float) -> int:
    """How long so many samples last (nanoseconds)."""
    return round(samples / rate * SECOND)


def union(spans: Iterable[Span], hole: int = 0) -> list[Span]:
    """What any of them covers; what is no longer than `hole` between two of them as well."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + hole:
            found[-1] = found[-1][0], max(found[-1][1], end)
        elif end > start:
            found.append((start, end))
    return found


def common(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What both cover; each in order and apart."""
    others = list(others)
    both = ((max(a, c), min(b, d)) for a, b in spans for c, d in others if c < b and a < d)
    return [span for span in both if span[0] < span[1]]


def without(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """What the first cover and the others do not."""
    found: list[Span] = []
    others = list(others)
    for start, end in spans:
        for first, last in others:
            if last <= start or first >= end:
                continue
            if first > start:
                found.append((start, first))
            start = max(start, last)
        if start < end:
            found.append((start, end))
    return found


def total(spans: Iterable[Span]) -> int:
    """How long they are together (nanoseconds)."""
    return sum(end - start for start, end in spans)

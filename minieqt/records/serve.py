"""Which channel serves which stretch of time: of a component, and of a station's instruments.

Channels come in groups: {instrument: {component: its pieces}}. At any time one channel of a component is used, and of a
station one instrument (or each, if all are asked for). The best one is used wherever it has data, the next where that
one has none, and so on. The best is

- not one that recorded less than half of what another did: five minutes of a better instrument are no reason to cut a
  day of another to pieces;
- the one with more components, then the better band (channel.PREFERENCE), then the first location.

A stretch shorter than a minute does not change from one to another: it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from obspy import Trace

from minieqt.records.channel import Instrument, components, split_channel
from minieqt.records.gap import Piece, pieces
from minieqt.records.left_out import LeftOut
from minieqt.records.span import SECOND, Span, common, total, union, without

Groups = dict[Instrument, dict[str, list[Piece]]]

SHORTEST = 60 * SECOND  # stretch that another instrument or channel takes over
CONTEXT = 60 * SECOND  # of an instrument's own data beside what it serves

ANOTHER_CHANNEL = "another channel of this component serves this time"
ANOTHER_INSTRUMENT = "another instrument of the station serves this time"


def group(traces: Iterable[Trace], left_out: LeftOut, band: tuple[float, float] | None = None) -> Groups:
    """{instrument: {component: its pieces}}, one channel of a component at a time; `left_out` gets the others.

    band: of the filter that comes after (Hz).
    """
    found: dict[Instrument, dict[str, list[Piece]]] = {}
    for trace in traces:
        stats = trace.stats
        code, letter = split_channel(stats.channel)
        instrument = Instrument(stats.network, stats.station, stats.location, code)
        for piece in pieces(trace, left_out, band):
            found.setdefault(instrument, {}).setdefault(letter, []).append(piece)
    return joined_locations({at: one_each(letters, left_out) for at, letters in sorted(found.items())})


def one_each(letters: dict[str, list[Piece]], left_out: LeftOut) -> dict[str, list[Piece]]:
    """{letter: pieces} of one instrument -> {component: pieces}."""
    names = roles({letter: spans_of(held) for letter, held in letters.items()})
    merged: dict[str, dict[str, list[Piece]]] = {}
    for letter in sorted(letters):
        if letter in names:
            merged.setdefault(names[letter], {})[letter] = letters[letter]
        else:
            for piece in letters[letter]:
                channel = piece.id.rsplit(".", 1)[-1]
                reason = f"channel {channel}, no component that is known"
                left_out.leave(piece.id, piece.start, piece.end(), reason)
    result = {}
    for component, channels in merged.items():
        held = {letter: spans_of(found) for letter, found in channels.items()}
        longest = max(map(total, held.values()))
        order = sorted(held, key=lambda letter: (2 * total(held[letter]) < longest, letter.isdigit(), letter))
        shares = share_out([(letter, held[letter]) for letter in order])
        result[component] = [
            part
            for letter in order
            for piece in channels[letter]
            for part in cut(piece, shares[letter], shares[letter], left_out, ANOTHER_CHANNEL)
        ]
    return {component: found for component, found in result.items() if found}


def roles(spans: Mapping[str, list[Span]]) -> dict[str, str]:
    """{letter: component} of one instrument's channels, whose names may change with time.

    All of them at once, if that gives each one a component of its own; else each together with those that were there
    between its own beginning and end: N and E until one day, 1 and 2 after.
    """
    names = components(spans)
    if len(names) == len(spans):
        return names
    hulls = {letter: (held[0][0], held[-1][1]) for letter, held in spans.items()}
    for letter, (start, end) in hulls.items():
        if letter in names:
            continue
        beside = {other for other, (first, last) in hulls.items() if first < end and start < last}
        name = components(beside).get(letter)
        if name is None and letter.isdigit():  # N and E are there too: by the digits alone
            name = components({other for other in beside if other.isdigit()} | {"Z"}).get(letter)
        if name is not None:
            names[letter] = name
    return names


def joined_locations(groups: Groups) -> Groups:
    """Instruments of one band that complete each other under several location codes, as one: the vertical's, or the
    first."""
    found: Groups = {}
    for at in sorted(groups, key=lambda at: ("Z" not in groups[at], at)):
        fits = (
            other
            for other in found
            if (other.network, other.station, other.band) == (at.network, at.station, at.band)
            and not groups[at].keys() & found[other].keys()
        )
        other = next(fits, at)
        found.setdefault(other, {}).update(groups[at])
    return {at: dict(sorted(found[at].items())) for at in sorted(found) if found[at]}


def serve(groups: Groups, which: str, day: Span, left_out: LeftOut) -> list[tuple[Instrument, list[Span]]]:
    """Which instruments of one station serve which stretches of a day: "all" of them, or the "best" one at a time.

    In `groups` each keeps what it serves and a minute on either side, as context; `left_out` gets the rest.
    """
    covers = {at: union(span for held in groups[at].values() for span in spans_of(held)) for at in groups}
    recorded = {at: total(common(covers[at], [day])) for at in groups}
    there = [at for at in groups if recorded[at]]
    if which == "all" or len(there) < 2:
        return [(at, [day]) for at in there]
    longest = max(recorded.values())

    def rank(at: Instrument) -> tuple[Any, ...]:
        of_all = sum(total(common(union(spans_of(held)), [day])) for held in groups[at].values())
        return 2 * recorded[at] < longest, -round(of_all / recorded[at]), at.rank()

    there.sort(key=rank)
    shares = share_out([(at, covers[at]) for at in there])
    result = []
    for at in there:
        near = union((start - CONTEXT, end + CONTEXT) for start, end in shares[at])
        groups[at] = {
            component: [part for piece in held for part in cut(piece, shares[at], near, left_out, ANOTHER_INSTRUMENT)]
            for component, held in groups[at].items()
        }
        groups[at] = {component: held for component, held in groups[at].items() if held}
        own = common(union(shares[at], SHORTEST), [day])
        if own and groups[at]:
            result.append((at, own))
    return result


def share_out(candidates: list[tuple[Any, list[Span]]]) -> dict[Any, list[Span]]:
    """(who, stretches in which there are data), the first choice first -> what each of them serves."""
    taken: list[Span] = []
    shares: dict[Any, list[Span]] = {}
    for who, spans in candidates:
        free = without(union(spans, SHORTEST), taken)
        shares[who] = [span for span in free if not taken or span[1] - span[0] >= SHORTEST or alone(span, taken)]
        taken = union([*taken, *shares[who]], SHORTEST)
    return shares


def alone(span: Span, taken: list[Span]) -> bool:
    """Whether nothing that is taken touches a stretch."""
    return all(last < span[0] or first > span[1] for first, last in taken)


def spans_of(held: Iterable[Piece]) -> list[Span]:
    """When there are data."""
    return union((piece.start, piece.end()) for piece in held)


def cut(piece: Piece, served: list[Span], near: list[Span], left_out: LeftOut, reason: str) -> list[Piece]:
    """The parts of a piece that lie in `near`; `left_out` gets what is not `served`."""
    whole = [(piece.start, piece.end())]
    for start, end in without(whole, served):
        left_out.leave(piece.id, start, end, reason)
    if not without(whole, near):
        return [piece]
    parts = []
    for start, end in common(whole, near):
        first, last = (round((edge - piece.start) / SECOND * piece.rate) for edge in (start, end))
        if last > first:
            parts.append(piece.cut(first, last))
    return parts

"""Reviewed picks for other software: QuakeML, and markers for Pyrocko's Snuffler."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from obspy import UTCDateTime

from minieqt.files import atomic_write, write_text
from minieqt.picking.quakeml import AGENCY, resource, waveform_code
from minieqt.review.journal import Journal
from minieqt.review.state import Reviewed, found_times

if TYPE_CHECKING:
    from obspy.core.event import Event as QuakeEvent
    from obspy.core.event import Pick as QuakePick
    from obspy.core.event import WaveformStreamID

COMMENT = "a detection of minieqt at one station, reviewed by a person"
ADDED = "an earthquake at one station, added by a person"
MARKERS = "# Snuffler Markers File Version 0.2"
KINDS = {None: 0, "accepted": 1, "unsure": 3}  # Snuffler's colours: red, green, orange


def write_quakeml(path: Path, states: Iterable[Reviewed], journal: Journal) -> int:
    """Every detection that was accepted or rejected, as an event without an origin; how many.

    Accepted: type earthquake, certainty known, its picks manual and reviewed. Rejected: type not existing, its picks
    manual and rejected. A pick that the network had found and a person took away or moved is there too, as rejected.
    """
    from obspy.core.event import Catalog, CreationInfo

    events = [quake_event(state, journal) for state in states if state.verdict in ("accepted", "rejected")]
    catalogue = Catalog(events, resource_id=resource("reviewed"), creation_info=CreationInfo(agency_id=AGENCY))
    with atomic_write(path) as partial:
        catalogue.write(str(partial), format="QUAKEML")
    return len(events)


def quake_event(state: Reviewed, journal: Journal) -> QuakeEvent:
    """One detection as an ObsPy Event."""
    from obspy.core.event import Comment, CreationInfo
    from obspy.core.event import Event as QuakeEvent

    author = journal.author(state.key, "verdict")
    accepted = state.verdict == "accepted"
    about = COMMENT if state.found is not None else ADDED
    picks = [quake_pick(state, phase, time, accepted, journal) for phase, time in state.times().items()]
    picks += [
        quake_pick(state, phase, time, False, journal)
        for phase, time in found_times(state.found).items()
        if state.moved(phase)
    ]
    return QuakeEvent(
        resource_id=resource("event", state.key),
        event_type="earthquake" if accepted else "not existing",
        event_type_certainty="known" if accepted else None,
        comments=[Comment(text=about, resource_id=resource("comment", state.key))],
        picks=picks,
        creation_info=CreationInfo(agency_id=AGENCY, author=quakeml_text(author)),
    )


def quake_pick(state: Reviewed, phase: str, time: int, good: bool, journal: Journal) -> QuakePick:
    """One pick, reviewed or rejected."""
    from obspy.core.event import CreationInfo
    from obspy.core.event import Pick as QuakePick

    author = journal.author(state.key, phase.lower()) or journal.author(state.key, "verdict")
    return QuakePick(
        resource_id=resource("pick", state.key, phase, "reviewed" if good else "rejected", str(time)),
        time=UTCDateTime(ns=time),
        waveform_id=waveform(state, phase),
        phase_hint=phase,
        evaluation_mode="manual",
        evaluation_status="reviewed" if good else "rejected",
        creation_info=CreationInfo(agency_id=AGENCY, author=quakeml_text(author)),
    )


def channel(state: Reviewed, phase: str) -> str:
    """The channel's code: the network's own pick's, or the usual component of the same instrument."""
    picks = {} if state.found is None else {pick.phase: pick.channel for pick in state.found.picks()}
    return picks.get(phase) or state.instrument.band + ("Z" if phase == "P" else "N")


def waveform(state: Reviewed, phase: str) -> WaveformStreamID:
    """Which channel a pick is of."""
    from obspy.core.event import WaveformStreamID

    at = state.instrument
    return WaveformStreamID(*map(waveform_code, (at.network, at.station, at.location, channel(state, phase))))


def quakeml_text(text: str | None) -> str | None:
    """A name as QuakeML may hold it: 128 printable characters at the most."""
    return None if text is None else "".join(filter(str.isprintable, text)).encode("utf-8", "replace").decode()[:128]


def write_markers(path: Path, states: Iterable[Reviewed]) -> int:
    """A marker file of Snuffler (version 0.2): every pick but those of rejected detections; how many.

    Columns, parted by blanks: `phase:`, date, time, kind, NET.STA.LOC.CHA, event's hash, date and time, phase,
    polarity, automatic; None where there is nothing.
    """
    lines = [MARKERS]
    for state in states:
        if state.verdict == "rejected":
            continue
        at = state.instrument
        for phase, time in state.times().items():
            codes = (at.network, at.station, at.location, channel(state, phase))
            name = ".".join(map(marker_code, codes))
            when = UTCDateTime(ns=time).strftime("%Y-%m-%d %H:%M:%S.%f")
            automatic = state.verdict is None and not state.moved(phase)
            lines.append(f"phase: {when} {KINDS[state.verdict]:2d} {name:15s} None None None {phase} None {automatic}")
    write_text(path, "\n".join(lines) + "\n")
    return len(lines) - 1


def marker_code(text: str) -> str:
    """A code without what would end it in a marker file: blanks, commas, points, quotes and what is not printable."""
    return "".join("_" if letter in " ,.'\"" or not letter.isprintable() else letter for letter in text)

"""Detections as QuakeML, written one by one.

A detection at one station is not yet an earthquake: that takes several stations. But QuakeML stores picks only within
events, and a catalogue's user expects the P and S of one detection together. So every detection becomes one QuakeML
event without an origin, its type earthquake, its certainty "suspected", with a comment that says what it is.
Associators read the picks; nobody need take the event for a located earthquake.

ObsPy would hold the whole catalogue in memory, and take six times as long for it as all tables take here (`python
benchmarks/tables.py --obspy 1000`). The output is the same to the byte as what ObsPy writes after reading it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from minieqt.picking.events import Event, Pick
from minieqt.records.channel import Instrument
from minieqt.tables.times import moment

if TYPE_CHECKING:
    from obspy.core.event import ResourceIdentifier

COMMENT = "candidate: a detection of minieqt at one station, not associated with other stations"
AGENCY = "minieqt"
NAMESPACES = 'xmlns="http://quakeml.org/xmlns/bed/1.2" xmlns:q="http://quakeml.org/xmlns/quakeml/1.2"'
QUOTE = {'"': "&quot;"}
CREATION = f"<creationInfo>\n{{0}}  <agencyID>{AGENCY}</agencyID>\n{{0}}</creationInfo>"


def quakeml(events: Iterable[Event]) -> Iterator[str]:
    """The text of a QuakeML file, piece by piece."""
    yield f"""\
<?xml version='1.0' encoding='utf-8'?>
<q:quakeml {NAMESPACES}>
  <eventParameters publicID="{identifier("catalogue")}">
    {CREATION.format(4 * " ")}
"""
    yield from map(event_text, events)
    yield "  </eventParameters>\n</q:quakeml>\n"


def event_text(event: Event) -> str:
    """One detection as a QuakeML event without an origin."""
    name = f"{event.instrument.name()}/{event.start.ns}"
    span = f"{moment(event.start.ns)} to {moment(event.end.ns)}"
    about = f"detected from {span} with probability {event.probability:.4f}"
    return f"""\
    <event publicID="{identifier("event", name)}">
      <type>earthquake</type>
      <typeCertainty>suspected</typeCertainty>
      <comment id="{identifier("comment", name)}">
        <text>{COMMENT}; {about}</text>
      </comment>
      {CREATION.format(6 * " ")}
{"".join(pick_text(pick, name) for pick in event.picks())}    </event>
"""


def pick_text(pick: Pick, event: str) -> str:
    """One pick: time and its uncertainty, phase, waveform, and the probability in a comment."""
    spread = "" if pick.uncertainty is None else f", spread {pick.uncertainty:.4f}"
    return f"""\
      <pick publicID="{identifier("pick", event, pick.phase)}">
        <time>
          <value>{moment(pick.time.ns)}</value>
          <uncertainty>{float(pick.time_uncertainty)}</uncertainty>
        </time>
        <waveformID {waveform(pick.instrument, pick.channel)}></waveformID>
        <phaseHint>{pick.phase}</phaseHint>
        <evaluationMode>automatic</evaluationMode>
        <evaluationStatus>preliminary</evaluationStatus>
        <comment id="{identifier("comment", event, pick.phase)}">
          <text>probability {pick.probability:.4f}{spread}</text>
        </comment>
      </pick>
"""


@cache
def waveform(at: Instrument, channel: str) -> str:
    """The attributes that name a channel."""
    codes = {"network": at.network, "station": at.station, "location": at.location, "channel": channel}
    return " ".join(f'{name}Code="{escape(waveform_code(code), QUOTE)}"' for name, code in codes.items())


def identifier(*parts: str) -> str:
    """A QuakeML identifier; the bytes of other characters, % included, become ~ and two hexadecimal digits."""

    def encoded(found: re.Match[str]) -> str:
        return "".join(f"~{byte:02X}" for byte in found[0].encode("utf-8", "replace"))

    return "smi:minieqt/" + re.sub(r"[^A-Za-z0-9.()*_/-]", encoded, "/".join(parts))


def resource(*parts: str) -> ResourceIdentifier:
    """`identifier` for ObsPy."""
    from obspy.core.event import ResourceIdentifier

    return ResourceIdentifier(identifier(*parts))


def waveform_code(text: str) -> str:
    """A code as QuakeML may hold it: eight characters at the most, printable ones."""
    return "".join(character for character in text if character.isprintable())[:8]

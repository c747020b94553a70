"""What comes out, in files that other seismology software reads.

    picks.csv                      one row a pick, everything that is known of it
    X_prediction_results.csv       one row an event, EQTransformer's columns
    picks.xml                      QuakeML
    association.csv                one row a pick, as PyOcto's `associate` wants it
    association_gamma.csv          one row a pick, as GaMMA wants it

Both call stations as PyOcto's and SeisBench's tables do, NET.STA.LOC. They are two files because PyOcto's
`associate_gamma` renames GaMMA's columns to PyOcto's: no table may hold both.

A detection at one station is no earthquake yet: that takes several stations. Yet QuakeML knows picks only as a part of
events, and a catalogue's user expects the P and S of one detection together. So every detection becomes one QuakeML
event without an origin, its type earthquake, its certainty "suspected", with a comment that says what it is. Software
that associates looks at the picks; a catalogue takes nothing for an earthquake that is none.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.files import atomic_write, write_text
from minieqt.picking.events import Event, Pick
from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut
from minieqt.records.stations import Coordinates

if TYPE_CHECKING:
    from obspy.core.event import Catalog, ResourceIdentifier
    from obspy.core.event import Event as QuakeEvent
    from obspy.core.event import Pick as QuakePick

PICK_COLUMNS = (
    "network station location band channel phase time probability uncertainty time_uncertainty snr "
    "event_start event_end detection_probability"
).split()
EQTRANSFORMER_COLUMNS = (
    "file_name network station instrument_type station_lat station_lon station_elv event_start_time event_end_time "
    "detection_probability detection_uncertainty p_arrival_time p_probability p_uncertainty p_snr s_arrival_time "
    "s_probability s_uncertainty s_snr"
).split()
ASSOCIATION_COLUMNS = "station phase time probability time_uncertainty".split()
GAMMA_COLUMNS = "id timestamp type prob".split()
COMMENT = "candidate: a detection of minieqt at one station, not associated with other stations"
AGENCY = "minieqt"


class Picks(list[Pick]):
    """A list of picks that can write itself."""

    def to_csv(self, path: Path | str) -> None:
        """picks.csv; the columns of the event stay empty: `Events.to_csv_of_picks` knows them."""
        write_text(Path(path), table(PICK_COLUMNS, (pick_row(pick, None) for pick in self)))

    def to_association(self, path: Path | str) -> None:
        """The table for PyOcto's `associate`."""
        write_text(Path(path), table(ASSOCIATION_COLUMNS, map(association_row, self)))

    def to_gamma(self, path: Path | str) -> None:
        """The table for GaMMA (use_amplitude = False: counts are no velocities) and PyOcto's `associate_gamma`."""
        write_text(Path(path), table(GAMMA_COLUMNS, map(gamma_row, self)))

    @classmethod
    def from_csv(cls, path: Path | str) -> Picks:
        """What `to_csv` wrote. UserError if the file is another."""
        try:
            with Path(path).open(encoding="utf-8", newline="") as file:
                return cls(map(read_pick, csv.DictReader(file)))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is not a table of picks as minieqt writes them ({error})") from error


class Events(list[Event]):
    """A list of events that can write itself.

    `others`: picks of no event; `left_out`: what of the records events were not looked for in, and why."""

    others: list[Pick]
    left_out: LeftOut

    def __init__(self, events: Iterable[Event] = ()) -> None:
        super().__init__(events)
        self.others = []
        self.left_out = LeftOut()

    def picks(self) -> Picks:
        """All picks, in order of time."""
        return Picks(pick for pick, _ in self.pairs())

    def pairs(self) -> list[tuple[Pick, Event | None]]:
        """All picks and the events that they belong to, in order of time."""
        found: list[tuple[Pick, Event | None]] = [(pick, event) for event in self for pick in event.picks()]
        found += [(pick, None) for pick in self.others]
        return sorted(found, key=lambda pair: (pair[0].time.ns, pair[0].instrument, pair[0].phase))

    def to_csv(self, path: Path | str, coordinates: Coordinates | None = None) -> None:
        """X_prediction_results.csv, with EQTransformer's columns; stations without known coordinates have none."""
        rows = (event_row(event, coordinates or Coordinates()) for event in self)
        write_text(Path(path), table(EQTRANSFORMER_COLUMNS, rows))

    def to_csv_of_picks(self, path: Path | str) -> None:
        """picks.csv, each pick with the detection that it belongs to."""
        write_text(Path(path), table(PICK_COLUMNS, (pick_row(pick, event) for pick, event in self.pairs())))

    def to_quakeml(self, path: Path | str) -> None:
        """QuakeML; see this file's head for what its events are."""
        with atomic_write(Path(path)) as partial:
            self.catalogue().write(str(partial), format="QUAKEML")

    def catalogue(self) -> Catalog:
        """An ObsPy Catalog."""
        from obspy.core.event import Catalog, CreationInfo

        return Catalog(
            [quake_event(event) for event in self],
            resource_id=resource("catalogue"),  # ObsPy's own choice is another one every time
            creation_info=CreationInfo(agency_id=AGENCY),
        )


# -- tables ------------------------------------------------------------------------------------------------------


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """CSV text with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def number(value: float | None, digits: int = 4) -> str:
    """A number, or nothing where it is not known."""
    return "" if value is None else f"{value:.{digits}f}"


def moment(time: UTCDateTime) -> str:
    """2022-02-06T02:31:29.318400Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def pick_row(pick: Pick, event: Event | None) -> list[str]:
    at = pick.instrument
    return [
        at.network,
        at.station,
        at.location,
        at.band,
        pick.channel,
        pick.phase,
        moment(pick.time),
        number(pick.probability),
        number(pick.uncertainty),
        number(pick.time_uncertainty),
        number(pick.snr, 1),
        "" if event is None else moment(event.start),
        "" if event is None else moment(event.end),
        "" if event is None else number(event.probability),
    ]


def read_pick(row: dict[str, str]) -> Pick:
    instrument = Instrument(row["network"], row["station"], row["location"], row["band"])

    def known(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Pick(
        instrument,
        row["channel"],
        row["phase"],
        UTCDateTime(row["time"]),
        float(row["probability"]),
        known("uncertainty"),
        float(row["time_uncertainty"]),
        known("snr"),
    )


def associated_station(pick: Pick) -> str:
    """What associators' tables of stations call its station."""
    at = pick.instrument
    return f"{at.network}.{at.station}.{at.location}"


def association_row(pick: Pick) -> list[str]:
    time = f"{pick.time.ns / 1e9:.3f}"  # s since 1970
    return [associated_station(pick), pick.phase, time, number(pick.probability), number(pick.time_uncertainty)]


def gamma_row(pick: Pick) -> list[str]:
    time = moment(pick.time).rstrip("Z")
    return [associated_station(pick), time, pick.phase.lower(), number(pick.probability)]


def event_row(event: Event, coordinates: Coordinates) -> list[str]:
    at = event.instrument
    place = coordinates.at(at.network, at.station, event.start)
    row = [
        at.name(),
        at.network,
        at.station,
        at.band,
        *(("", "", "") if place is None else (f"{place[0]:.5f}", f"{place[1]:.5f}", f"{place[2]:.1f}")),
        event.start.strftime("%Y-%m-%d %H:%M:%S.%f"),
        event.end.strftime("%Y-%m-%d %H:%M:%S.%f"),
        number(event.probability, 2),
        number(event.uncertainty, 2),
    ]
    for pick in (event.p, event.s):
        if pick is None:
            row += ["", "", "", ""]
        else:
            time = pick.time.strftime("%Y-%m-%d %H:%M:%S.%f")
            row += [time, number(pick.probability, 2), number(pick.uncertainty, 2), number(pick.snr, 1)]
    return row


# -- QuakeML -----------------------------------------------------------------------------------------------------


def resource(*parts: str) -> ResourceIdentifier:
    """An identifier of QuakeML; a byte of what it may not hold, even of %, becomes ~ and two hexadecimal digits."""
    from obspy.core.event import ResourceIdentifier

    def encoded(found: re.Match[str]) -> str:
        return "".join(f"~{byte:02X}" for byte in found[0].encode("utf-8", "replace"))

    return ResourceIdentifier("smi:minieqt/" + re.sub(r"[^A-Za-z0-9.()*_/-]", encoded, "/".join(parts)))


def waveform_code(text: str) -> str:
    """A code as QuakeML may hold it: eight characters at the most, printable ones."""
    return "".join(character for character in text if character.isprintable())[:8]


def quake_event(event: Event) -> QuakeEvent:
    """One detection as an ObsPy Event, without an origin."""
    from obspy.core.event import Comment, CreationInfo
    from obspy.core.event import Event as QuakeEvent

    name = f"{event.instrument.name()}/{event.start.ns}"
    about = (
        f"{COMMENT}; detected from {moment(event.start)} to {moment(event.end)} "
        f"with probability {number(event.probability)}"
    )
    return QuakeEvent(
        resource_id=resource("event", name),
        event_type="earthquake",
        event_type_certainty="suspected",
        comments=[Comment(text=about, resource_id=resource("comment", name))],
        picks=[quake_pick(pick, name) for pick in event.picks()],
        creation_info=CreationInfo(agency_id=AGENCY),
    )


def quake_pick(pick: Pick, event: str) -> QuakePick:
    """One pick: time and its uncertainty, phase, waveform, and the probability in a comment."""
    from obspy.core.event import Comment, QuantityError, WaveformStreamID
    from obspy.core.event import Pick as QuakePick

    at = pick.instrument
    spread = "" if pick.uncertainty is None else f", spread {number(pick.uncertainty)}"
    about = f"probability {number(pick.probability)}{spread}"
    return QuakePick(
        resource_id=resource("pick", event, pick.phase),
        time=pick.time,
        time_errors=QuantityError(uncertainty=pick.time_uncertainty),
        waveform_id=WaveformStreamID(*map(waveform_code, (at.network, at.station, at.location, pick.channel))),
        phase_hint=pick.phase,
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        comments=[Comment(text=about, resource_id=resource("comment", event, pick.phase))],
    )

"""What comes out, in files that other seismology software reads.

    picks.csv                      one row per pick, everything that is known of it
    X_prediction_results.csv       one row per event, EQTransformer's columns
    picks.xml                      QuakeML
    association.csv                one row per pick, as PyOcto's `associate` wants it
    association_gamma.csv          one row per pick, as GaMMA wants it
    picks.parquet/                 if asked for: picks.csv once more, a file per day (parquet.py)

Both call stations as PyOcto's and SeisBench's tables do, NET.STA.LOC. They are two files because PyOcto's
`associate_gamma` renames GaMMA's columns to PyOcto's: no table may hold both.

All are written day by day: a network's year needs no more memory than its busiest day.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.files import atomic_write, csv_lines, named
from minieqt.picking.events import Event, Pick
from minieqt.picking.parquet import FOLDER, day_files
from minieqt.picking.quakeml import quakeml
from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut
from minieqt.records.stations import Coordinates
from minieqt.tables.times import moment, spelled

Pair = tuple[Pick, Event | None]  # a pick and the event that it belongs to

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
EARLY = 10**10  # ns, more than a P can precede its event


class Picks(list[Pick]):
    """A list of picks that can write itself."""

    def to_csv(self, path: Path | str) -> None:
        """picks.csv; the columns of the event stay empty: `Events.to_csv_of_picks` knows them."""
        write_table(path, PICK_COLUMNS, (pick_row(pick, None) for pick in self))

    def to_association(self, path: Path | str) -> None:
        """The table for PyOcto's `associate`."""
        write_table(path, ASSOCIATION_COLUMNS, map(association_row, self))

    def to_gamma(self, path: Path | str) -> None:
        """The table for GaMMA (use_amplitude = False: counts are no velocities) and PyOcto's `associate_gamma`."""
        write_table(path, GAMMA_COLUMNS, map(gamma_row, self))

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

    `others`: picks of no event; `left_out`: which parts of the records were not picked, and why."""

    others: list[Pick]
    left_out: LeftOut

    def __init__(self, events: Iterable[Event] = ()) -> None:
        super().__init__(events)
        self.others = []
        self.left_out = LeftOut()

    def picks(self) -> Picks:
        """All picks, in order of time."""
        return Picks(pick for pick, _ in self.pairs())

    def pairs(self) -> list[Pair]:
        """All picks and the events that they belong to, in order of time."""
        found: list[Pair] = [(pick, event) for event in self for pick in event.picks()]
        return sorted(found + [(pick, None) for pick in self.others], key=order)

    def to_csv(self, path: Path | str, coordinates: Coordinates | None = None) -> None:
        """X_prediction_results.csv, with EQTransformer's columns; stations without known coordinates have none."""
        write_table(path, EQTRANSFORMER_COLUMNS, (event_row(event, coordinates or Coordinates()) for event in self))

    def to_csv_of_picks(self, path: Path | str) -> None:
        """picks.csv, each pick with the detection that it belongs to."""
        write_table(path, PICK_COLUMNS, (pick_row(*pair) for pair in self.pairs()))

    def to_quakeml(self, path: Path | str) -> None:
        """QuakeML; see minieqt/picking/quakeml.py for what its events are."""
        with text_file(Path(path)) as write:
            write(quakeml(self))


def order(pair: Pair) -> tuple[int, Instrument, str]:
    """Sort key: the order of picks in the tables."""
    pick = pair[0]
    return pick.time.ns, pick.instrument, pick.phase


def write_tables(
    days: Iterable[tuple[int, Events]], out: Path, coordinates: Coordinates, parquet: bool = False
) -> None:
    """All tables of consecutive days, (first nanosecond, what was found); each appears complete or not at all.

    A day's events begin in it, but their picks may lie outside: each is held back until no earlier one can follow.
    """
    with ExitStack() as files:
        picks, events, association, gamma = (
            files.enter_context(table_file(out / name, columns))
            for name, columns in (
                ("picks.csv", PICK_COLUMNS),
                ("X_prediction_results.csv", EQTRANSFORMER_COLUMNS),
                ("association.csv", ASSOCIATION_COLUMNS),
                ("association_gamma.csv", GAMMA_COLUMNS),
            )
        )
        write_xml = files.enter_context(text_file(out / "picks.xml"))
        by_day = files.enter_context(day_files(out / FOLDER, PICK_COLUMNS)) if parquet else None

        def write(pairs: list[Pair]) -> None:
            picks(pick_row(*pair) for pair in pairs)
            if by_day:
                by_day(pick_row(*pair) for pair in pairs)
            association(association_row(pick) for pick, _ in pairs)
            gamma(gamma_row(pick) for pick, _ in pairs)

        def in_passing() -> Iterator[Event]:
            """The events, one by one, for QuakeML; the other tables are written on the way."""
            waiting: list[Pair] = []
            for day, found in days:
                ready = [pair for pair in waiting if pair[0].time.ns < day - EARLY]
                write(ready)
                waiting = sorted(waiting[len(ready) :] + found.pairs(), key=order)
                found.sort(key=lambda event: (event.start.ns, event.instrument))
                events(event_row(event, coordinates) for event in found)
                yield from found
            write(waiting)

        write_xml(quakeml(in_passing()))


# -- files -------------------------------------------------------------------------------------------------------


@contextmanager
def text_file(path: Path) -> Iterator[Callable[[Iterable[str]], None]]:
    """Yield a function that writes pieces of text, one after the other; the file appears once it is complete."""
    with atomic_write(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:

        def write(pieces: Iterable[str]) -> None:
            with named(path):
                file.writelines(pieces)

        yield write


@contextmanager
def table_file(path: Path, columns: Iterable[str]) -> Iterator[Callable[[Iterable[Iterable[Any]]], None]]:
    """Yield a function that writes rows under a header; the file appears once it is complete."""
    with text_file(path) as write:
        write(csv_lines([columns]))
        yield lambda rows: write(csv_lines(rows))


def write_table(path: Path | str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """A table in one go."""
    with table_file(Path(path), columns) as write:
        write(rows)


# -- rows -------------------------------------------------------------------------------------------------------


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """CSV text with a header."""
    return "".join(csv_lines([columns, *rows]))


def number(value: float | None, digits: int = 4) -> str:
    """A number, or nothing where it is not known."""
    return "" if value is None else f"{value:.{digits}f}"


def spaced(time: UTCDateTime) -> str:
    """2022-02-06 02:31:29.318400, as EQTransformer writes it."""
    return spelled(time.ns).replace("T", " ")


def pick_row(pick: Pick, event: Event | None) -> list[str]:
    at = pick.instrument
    return [
        at.network,
        at.station,
        at.location,
        at.band,
        pick.channel,
        pick.phase,
        moment(pick.time.ns),
        number(pick.probability),
        number(pick.uncertainty),
        number(pick.time_uncertainty),
        number(pick.snr, 1),
        "" if event is None else moment(event.start.ns),
        "" if event is None else moment(event.end.ns),
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
    """NET.STA.LOC, as associators' tables of stations have it."""
    at = pick.instrument
    return f"{at.network}.{at.station}.{at.location}"


def association_row(pick: Pick) -> list[str]:
    time = f"{pick.time.ns / 1e9:.3f}"  # s since 1970
    return [associated_station(pick), pick.phase, time, number(pick.probability), number(pick.time_uncertainty)]


def gamma_row(pick: Pick) -> list[str]:
    time = moment(pick.time.ns).rstrip("Z")
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
        spaced(event.start),
        spaced(event.end),
        number(event.probability, 2),
        number(event.uncertainty, 2),
    ]
    for pick in (event.p, event.s):
        if pick is None:
            row += ["", "", "", ""]
        else:
            row += [spaced(pick.time), number(pick.probability, 2), number(pick.uncertainty, 2), number(pick.snr, 1)]
    return row

"""What an OUT folder of `pick` holds, station by station and day by day: a table, a chart, and what looks odd."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from minieqt.errors import UserError
from minieqt.files import csv_lines
from minieqt.picking.day_file import DATED, read_day_file
from minieqt.plots import BLUE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = Any

ODD = 10.0  # times the network's median of events an hour: a station to look at
COLUMNS = "station day hours_recorded hours_picked events P S".split()


@dataclass(frozen=True)
class DayStatus:
    """Hours are those of all channels together."""

    station: str
    day: np.datetime64
    recorded: float
    picked: float
    events: int
    p: int
    s: int


def read_status(out: Path) -> tuple[list[DayStatus], int, int]:
    """The station-days of OUT that were made as the latest was, in order of station and time, as the tables hold them;
    how many were made with other weights or options; and how many files could not be read: damaged, of another version
    of pick, or not named as pick does. UserError if there is none.
    """
    folder = out / "station_days"
    paths = sorted(folder.glob(DATED))
    found: dict[str, list[DayStatus]] = {}
    written: dict[str, int] = {}
    unreadable = len(list(folder.glob("*.json"))) - len(paths)
    for path in paths:
        result = read_day_file(path, {})
        if result is None:
            unreadable += 1
        else:
            name, _, day = unquote(path.stem).rpartition(".")
            count, ledger = result.count(), result.left_out
            hours = ledger.recorded / 3600, ledger.picked / 3600
            one = DayStatus(name, np.datetime64(day), *hours, count["events"], count["P"], count["S"])
            found.setdefault(result.made, []).append(one)
            written[result.made] = max(written.get(result.made, 0), result.written)
    if not found:
        others = f", only {unreadable} that are damaged or of another version" if unreadable else ""
        raise UserError(f"{out} holds no station-day of pick{others}")
    latest = found.pop(max(written, key=written.__getitem__))
    return latest, sum(map(len, found.values())), unreadable


def table(days: Iterable[DayStatus]) -> str:
    """status.csv."""
    rows = [
        (one.station, one.day, f"{one.recorded:.3f}", f"{one.picked:.3f}", one.events, one.p, one.s) for one in days
    ]
    return "".join(csv_lines([COLUMNS, *rows]))


def grid(days: list[DayStatus]) -> tuple[list[str], Array, Array]:
    """Stations (S,), days (D,) without a gap, and events (S, D), NaN where a station-day is not there."""
    stations = sorted({one.station for one in days})
    first, last = min(one.day for one in days), max(one.day for one in days)
    dates = np.arange(first, last + 1)
    events = np.full((len(stations), len(dates)), np.nan)
    for one in days:
        events[stations.index(one.station), (one.day - first).astype(int)] = one.events
    return stations, dates, events


def rates(days: list[DayStatus]) -> dict[str, float]:
    """{station: events an hour of its channels that was picked}; 0 where nothing was."""
    hours: dict[str, list[float]] = {}
    for one in days:
        held = hours.setdefault(one.station, [0.0, 0.0])
        held[0] += one.events
        held[1] += one.picked
    return {station: events / picked if picked else 0.0 for station, (events, picked) in hours.items()}


def odd_stations(days: list[DayStatus]) -> dict[str, float]:
    """{station: how many times the network's median it has of events an hour}, where that is ODD times or more."""
    each = rates(days)
    median = float(np.median([rate for rate in each.values() if rate] or [0.0]))
    return {station: rate / median for station, rate in each.items() if median and rate >= ODD * median}


def summary(days: list[DayStatus]) -> str:
    """A line for the network, one a station, and one for each that looks odd."""
    stations, dates, events = grid(days)
    span = f"{dates[0]}" if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    lines = [
        f"{len(stations)} stations, {span}: {len(days)} of {events.size} station-days, {np.nansum(events):,.0f} events",
        f"{'station':<14}{'days':>6}{'hours recorded':>16}{'picked':>10}{'events':>9}{'most a day':>12}",
    ]
    for station in stations:
        own = [one for one in days if one.station == station]
        recorded, picked = sum(one.recorded for one in own), sum(one.picked for one in own)
        counts = [one.events for one in own]
        lines.append(
            f"{station:<14}{len(own):>6}{recorded:>16,.1f}{picked:>10,.1f}{sum(counts):>9,}{max(counts):>12,}"
        )
    for station, times in odd_stations(days).items():
        lines.append(f"look at {station}: {times:.0f} times the network's median of events an hour")
    return "\n".join(lines)


def chart(days: list[DayStatus]) -> Figure:
    """Stations by days, coloured by events (white: not there), over the events of all stations a day."""
    stations, dates, events = grid(days)
    figure = new_figure(figsize=(9, 2.5 + 0.22 * len(stations)))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(max(len(stations), 4), 4))
    edges = np.arange(dates[0], dates[-1] + 2)
    mesh = upper.pcolormesh(
        edges, np.arange(len(stations) + 1), np.log10(1 + events), cmap="viridis", edgecolors="white", linewidth=0.3
    )
    upper.set_yticks(np.arange(len(stations)) + 0.5, stations, fontsize="small")
    upper.invert_yaxis()
    ticks = [n for n in (0, 1, 10, 100, 1000, 10_000) if n <= max(np.nanmax(events), 1)]
    bar = figure.colorbar(mesh, ax=[upper, lower], label="events a station-day", pad=0.01)
    bar.set_ticks(np.log10(1 + np.array(ticks)).tolist(), labels=[f"{n:,}" for n in ticks])
    lower.bar(dates, np.nansum(events, axis=0), width=0.9, align="edge", color=BLUE)
    lower.set(ylabel="events a day")
    figure.autofmt_xdate()
    return figure

"""Which picks belong to one earthquake, and where it was: PyOcto (Münchmeyer 2024, doi 10.26443/seismica.v3i1.1130).

It divides space and time into ever smaller boxes and keeps those that enough picks can have come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from minieqt.catalogue.earthquake import Earthquake, earthquake
from minieqt.catalogue.velocity import Velocities
from minieqt.errors import UserError
from minieqt.records.stations import Place
from minieqt.tables.picks import Onset

GRID = 0.25  # km, of the travel times of velocities that depend on depth: no more than 0.08 s late at this grid
INSTALL = (
    "association needs PyOcto, on Python 3.12 or newer: pip install -e '.[catalogue]' "
    "(on Python 3.11 PyOcto asks for NumPy below 2, minieqt for 2)"
)


@dataclass(frozen=True)
class Limits:
    """What counts as an earthquake, and where it may be. The defaults suit networks some tens of km wide; tolerance and
    time apart were chosen on synthetic sequences (docs/catalogue.md), where earthquakes follow each other closely.

    UserError for values that make no sense together.
    """

    picks: int = 8
    p_picks: int = 3
    s_picks: int = 3
    both: int = 2  # stations with P and S
    tolerance: float = 0.6  # s between a pick and its expected time
    apart: float = 1.0  # s between two earthquakes
    margin: float = 50.0  # km around the stations
    depth: tuple[float, float] = (0.0, 30.0)  # km below sea level

    def __post_init__(self) -> None:
        shallow, deep = self.depth
        if not 0 <= shallow < deep <= 800:
            raise UserError(f"depths rise from 0 to 800 km at the most, got {shallow:g} to {deep:g}")
        if self.picks < max(self.p_picks + self.s_picks, 2 * self.both, 4):
            raise UserError(
                f"{self.picks} picks are fewer than the {self.p_picks} P and {self.s_picks} S, or P and S at "
                f"{self.both} stations, that are asked for as well; four unknowns want four at the least"
            )


def associate(
    onsets: Sequence[Onset], places: Sequence[Place], velocities: Velocities, limits: Limits, threads: int = 1
) -> list[Earthquake]:
    """Earthquakes in order of time; places: where each pick was made. UserError where PyOcto is not installed."""
    if not onsets:
        return []
    pyocto = _import_pyocto()
    import pandas

    names, known = numbered(onsets, places)
    rows = [[str(n), *place] for n, place in enumerate(known)]
    stations = pandas.DataFrame(rows, columns=["id", "latitude", "longitude", "elevation"])
    since = min(onset.time for onset in onsets)
    rows = [[name, (onset.time - since) / 1e9, onset.phase] for onset, name in zip(onsets, names, strict=True)]
    picks = pandas.DataFrame(rows, columns=["station", "time", "phase"])
    with TemporaryDirectory(prefix="minieqt-") as folder:
        associator = _associator(pyocto, stations, velocities, limits, threads, Path(folder))
        events, assigned = associator.associate(picks, stations)
    if not len(events):
        return []
    associator.transform_events(events)
    members: dict[int, list[tuple[Onset, Place, float]]] = {}
    for row in assigned.itertuples():
        members.setdefault(row.event_idx, []).append((onsets[row.pick_idx], places[row.pick_idx], row.residual))
    found = [
        earthquake(since + round(row.time * 1e9), row.latitude, row.longitude, row.depth, members[row.idx])
        for row in events.itertuples()
    ]
    return sorted(found, key=lambda each: each.time)


def numbered(onsets: Sequence[Onset], places: Sequence[Place]) -> tuple[list[str], list[Place]]:
    """Each pick's station as a number, and where number 0, 1, … stands. A station that moved counts as two."""
    known = [(onset.network, onset.station, place) for onset, place in zip(onsets, places, strict=True)]
    number = {station: n for n, station in enumerate(sorted(set(known)))}
    return [str(number[station]) for station in known], [place for _, _, place in number]


def _import_pyocto() -> Any:
    try:
        import pyocto
    except ImportError as error:
        raise UserError(INSTALL) from error
    return pyocto


def _associator(pyocto: Any, stations: Any, velocities: Velocities, limits: Limits, threads: int, folder: Path) -> Any:
    """PyOcto's associator for the area of the stations; adds columns x, y, z (km) to `stations`."""
    crs = pyocto.OctoAssociator.get_crs(stations)
    projection = pyocto.OctoAssociator((0, 1), (0, 1), (0, 1), None, 1.0, crs=crs)
    projection.transform_stations(stations)
    xlim, ylim = ((stations[c].min() - limits.margin, stations[c].max() + limits.margin) for c in "xy")
    across = float(np.hypot(xlim[1] - xlim[0], ylim[1] - ylim[0]))
    high = max(-float(stations["z"].min()), 0.0)
    slowest = min(velocities.vs)
    longest = float(np.hypot(across, limits.depth[1] + high)) / slowest  # s, of an S from corner to corner
    return pyocto.OctoAssociator(
        xlim,
        ylim,
        limits.depth,
        _model(pyocto, velocities, limits, across, folder),
        time_before=longest,
        time_slicing=max(1200.0, 4 * longest),
        min_node_size_location=0.5,
        pick_match_tolerance=limits.tolerance,
        min_interevent_time=limits.apart,
        n_picks=limits.picks,
        n_p_picks=limits.p_picks,
        n_s_picks=limits.s_picks,
        n_p_and_s_picks=limits.both,
        n_threads=threads,
        crs=crs,
    )


def _model(pyocto: Any, velocities: Velocities, limits: Limits, across: float, folder: Path) -> Any:
    """PyOcto's velocities; travel times of those that depend on depth are computed into `folder`."""
    if velocities.constant:
        return pyocto.VelocityModel0D(velocities.vp[0], velocities.vs[0], limits.tolerance)
    import pandas

    deepest = limits.depth[1] + 10
    depth = np.arange(0, deepest + GRID, GRID)  # one row per node: below the last row PyOcto would take 1 km/s
    vp, vs = velocities.at(depth)
    path = folder / "travel_times"
    try:
        pyocto.VelocityModel1D.create_model(
            pandas.DataFrame({"depth": depth, "vp": vp, "vs": vs}), GRID, across + 10, deepest, str(path)
        )
    except ImportError as error:
        raise UserError(f"velocities that depend on depth need pyrocko too; {INSTALL}") from error
    return pyocto.VelocityModel1D(
        str(path),
        limits.tolerance,
        surface_p_velocity=velocities.vp[0],
        surface_s_velocity=velocities.vs[0],
    )

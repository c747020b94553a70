"""Which picks belong to one earthquake, by GaMMA: a mixture of Gaussians, one per earthquake, around the arrival times
that follow from its place and origin time (Zhu et al. 2022, doi 10.1029/2021JB023249).

GaMMA has no minimum for stations with both phases: earthquakes with fewer are removed afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from obspy import UTCDateTime

from minieqt.catalogue.associate import GRID, Limits, numbered
from minieqt.catalogue.earthquake import Earthquake, earthquake
from minieqt.catalogue.velocity import Velocities
from minieqt.errors import UserError
from minieqt.records.stations import Place, unbroken
from minieqt.tables.picks import Onset

INSTALL = "--method gamma needs GaMMA: pip install 'minieqt[gamma]'"
OVERSAMPLED = 5  # GaMMA's default: initial clusters per pick of the station that has most of a phase
SEED = 42  # GaMMA's own


def associate_by_gamma(
    onsets: Sequence[Onset], places: Sequence[Place], velocities: Velocities, limits: Limits
) -> list[Earthquake]:
    """Earthquakes in order of time; places: where each pick was made. UserError where GaMMA is not installed."""
    try:
        from gamma.utils import association, estimate_eps
    except ImportError as error:
        raise UserError(INSTALL) from error
    import pandas
    import pyproj

    names, stations = numbered(onsets, places)
    if len(stations) < 2:  # no clusters of stations that lie apart
        return []
    latitude, longitude, elevation = np.array(stations).T
    longitude = unbroken(longitude)
    plane = pyproj.Proj(proj="aeqd", lat_0=latitude.mean(), lon_0=longitude.mean(), units="km")
    x, y = plane(longitude, latitude)
    axes = {"x(km)": x, "y(km)": y, "z(km)": -elevation / 1000}
    network = pandas.DataFrame({"id": [str(n) for n in range(len(stations))], **axes})
    times = pandas.to_datetime([onset.time for onset in onsets], unit="ns", utc=True)
    columns = {"id": names, "timestamp": times, "type": [onset.phase.lower() for onset in onsets], "prob": 1.0}
    around = [(float(values.min()) - limits.margin, float(values.max()) + limits.margin) for values in (x, y)]
    speeds = {"p": velocities.vp[0], "s": velocities.vs[0]}
    config: dict[str, Any] = {
        "dims": list(axes),
        **dict(zip(axes, (*around, limits.depth), strict=True)),
        "bfgs_bounds": (*around, limits.depth, (None, None)),
        "vel": speeds,
        "use_amplitude": False,
        "use_dbscan": True,
        "dbscan_eps": estimate_eps(network, speeds["p"]),
        "dbscan_min_samples": 3,
        "oversample_factor": OVERSAMPLED,
        "min_picks_per_eq": limits.picks,
        "min_p_picks_per_eq": limits.p_picks,
        "min_s_picks_per_eq": limits.s_picks,
        "max_sigma11": limits.tolerance,
        "ncpu": 1,  # several draw their random numbers in another order every time
    }
    if not velocities.constant:
        lowest = limits.depth[1] + max(float(elevation.max()) / 1000, 0.0) + 10
        depth = np.arange(0, lowest, GRID)
        vp, vs = velocities.at(depth)
        config["eikonal"] = {"vel": {"z": depth, "p": vp, "s": vs}, "h": GRID, "zlim": (0.0, lowest)}
        config["eikonal"] |= {"xlim": around[0], "ylim": around[1]}
    with undisturbed():
        events, assigned = association(pandas.DataFrame(columns), network, config)
    members: dict[int, list[int]] = {}
    for pick, event, _ in assigned:
        members.setdefault(event, []).append(pick)
    found = []
    for event in events:
        held = members[event["event_index"]]
        if len(both(onsets, held)) < limits.both:
            continue
        time = UTCDateTime(event["time"]).ns
        place = np.array([event[axis] for axis in axes])
        stand = network.loc[[int(names[n]) for n in held], list(axes)].to_numpy()
        late = residuals(time, place, [onsets[n] for n in held], stand, config)
        east, north = plane(place[0], place[1], inverse=True)
        picks = [(onsets[n], places[n], seconds) for n, seconds in zip(held, late, strict=True)]
        found.append(earthquake(time, float(north), float(east), float(place[2]), picks))
    return sorted(found, key=lambda each: each.time)


def both(onsets: Sequence[Onset], held: Sequence[int]) -> set[tuple[str, str]]:
    """Stations that have P and S among the picks."""
    of = {phase: {(onsets[n].network, onsets[n].station) for n in held if onsets[n].phase == phase} for phase in "PS"}
    return of["P"] & of["S"]


def residuals(time: int, place: Any, onsets: Sequence[Onset], stand: Any, config: dict[str, Any]) -> list[float]:
    """Seconds by which picks are later than GaMMA's travel times say; stand (N, 3): where they were made."""
    from gamma.seismic_ops import calc_time

    event = np.broadcast_to([*place, 0.0], (len(onsets), 4))
    phases = np.array([onset.phase.lower() for onset in onsets])
    travelled = calc_time(event, stand, phases, config["vel"], config.get("eikonal"))[:, 0]
    return [(onset.time - time) / 1e9 - float(seconds) for onset, seconds in zip(onsets, travelled, strict=True)]


@contextmanager
def undisturbed() -> Iterator[None]:
    """GaMMA prints, makes a folder in the working directory, and uses NumPy's global random state: undo all of it."""
    state = np.random.get_state()  # noqa: NPY002
    with TemporaryDirectory(prefix="minieqt-") as folder, open(os.devnull, "w") as nowhere:
        with chdir(folder), redirect_stdout(nowhere), redirect_stderr(nowhere):
            np.random.seed(SEED)  # noqa: NPY002
            try:
                yield
            finally:
                np.random.set_state(state)  # noqa: NPY002

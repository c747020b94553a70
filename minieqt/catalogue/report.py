"""The results of an association, in OUT.

earthquakes.xml   QuakeML: origins, arrivals with residuals, picks
earthquakes.csv   one row per earthquake
assignments.csv   one row per pick of an earthquake: residual, distance
stations.csv      one row per station: picks, picks used, residuals
magnitudes.csv    if asked for: one row per earthquake and station: amplitude, local magnitude
reference.csv     one row per earthquake of ours or of the reference: found, missed or additional
nonlinloc.obs, hypodd.pha   for location
map.png           map and depth sections
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minieqt.catalogue.earthquake import Earthquake
from minieqt.catalogue.reference import Matched
from minieqt.errors import counted
from minieqt.picking.results import number, table
from minieqt.tables.catalogue import Origin
from minieqt.tables.picks import Onset
from minieqt.tables.times import moment

Array = Any

EARTHQUAKES = "event time latitude longitude depth_km magnitude magnitude_stations picks p_picks s_picks stations " \
    "rms_s gap_deg nearest_km".split()  # fmt: skip
ASSIGNMENTS = "event network station phase time residual_s distance_km azimuth_deg".split()
STATIONS = "network station picks used p_median_s p_spread_s s_median_s s_spread_s".split()
MAGNITUDES = "event network station location band amplitude_mm distance_km magnitude".split()
REFERENCE = "kind time latitude longitude magnitude reference_time reference_latitude reference_longitude " \
    "reference_magnitude seconds km".split()  # fmt: skip


def earthquakes_csv(earthquakes: Sequence[Earthquake]) -> str:
    return table(EARTHQUAKES, (
        [n, moment(each.time), f"{each.latitude:.5f}", f"{each.longitude:.5f}", f"{each.depth:.2f}",
         number(each.magnitude, 2), len(each.amplitudes) or "", len(each.arrivals),
         each.count("P"), each.count("S"), len(each.stations), number(each.rms, 3), number(each.gap, 0),
         number(each.nearest, 1)]
        for n, each in enumerate(earthquakes, 1)
    ))  # fmt: skip


def assignments_csv(earthquakes: Sequence[Earthquake]) -> str:
    return table(ASSIGNMENTS, (
        [n, at.onset.network, at.onset.station, at.onset.phase, moment(at.onset.time), number(at.residual, 3),
         number(at.distance, 1), number(at.azimuth, 0)]
        for n, each in enumerate(earthquakes, 1) for at in each.arrivals
    ))  # fmt: skip


def magnitudes_csv(earthquakes: Sequence[Earthquake]) -> str:
    return table(MAGNITUDES, (
        [n, at.network, at.station, at.location, at.band, f"{at.millimetres:.5g}", number(at.distance, 1),
         number(at.magnitude, 2)]
        for n, each in enumerate(earthquakes, 1) for at in each.amplitudes
    ))  # fmt: skip


def residuals(earthquakes: Iterable[Earthquake]) -> dict[tuple[str, str, str], np.ndarray]:
    """{(network, station, phase): residuals in seconds}."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for each in earthquakes:
        for at in each.arrivals:
            found.setdefault((at.onset.network, at.onset.station, at.onset.phase), []).append(at.residual)
    return {key: np.array(values) for key, values in found.items()}


def median_and_spread(values: Array) -> tuple[float, float]:
    """The median, and 1.48 times the median deviation from it."""
    median = float(np.median(values))
    return median, 1.4826 * float(np.median(np.abs(values - median)))


def station_rows(onsets: Iterable[Onset], earthquakes: Sequence[Earthquake]) -> list[list[Any]]:
    """Rows of stations.csv: the median residual of P and S, and its spread (1.48 times the median deviation)."""
    picks: dict[tuple[str, str], int] = {}
    for onset in onsets:
        picks[onset.network, onset.station] = picks.get((onset.network, onset.station), 0) + 1
    held = residuals(earthquakes)
    rows = []
    for (network, station), count in sorted(picks.items()):
        of_phase = [held.get((network, station, phase), np.zeros(0)) for phase in "PS"]
        row: list[Any] = [network, station, count, sum(map(len, of_phase))]
        for values in of_phase:
            row += [number(each, 3) for each in (median_and_spread(values) if len(values) else (None, None))]
        rows.append(row)
    return rows


def stations_csv(onsets: Iterable[Onset], earthquakes: Sequence[Earthquake]) -> str:
    return table(STATIONS, station_rows(onsets, earthquakes))


def reference_csv(matched: Matched) -> str:
    def ours(each: Earthquake) -> list[str]:
        return [moment(each.time), f"{each.latitude:.5f}", f"{each.longitude:.5f}", number(each.magnitude, 2)]

    def theirs(each: Origin) -> list[str]:
        magnitude = "" if np.isnan(each.magnitude) else f"{each.magnitude:g}"
        return [moment(each.time), f"{each.latitude:.5f}", f"{each.longitude:.5f}", magnitude]

    rows: list[list[str]] = [
        ["found", *ours(matched.ours[i]), *theirs(matched.reference[j]), number(seconds, 3), number(km, 1)]
        for (i, j), seconds, km in zip(matched.pairs.tolist(), matched.seconds, matched.kilometres, strict=True)
    ]
    rows += [["missed", "", "", "", "", *theirs(origin), "", ""] for origin in matched.missed()]
    rows += [["additional", *ours(each), "", "", "", "", "", ""] for each in matched.additional()]
    rows.sort(key=lambda row: row[1] or row[5])
    return table(REFERENCE, rows)


def magnitude_differences(matched: Matched) -> Array:
    """Ours minus the reference's, of those that both give."""
    pairs = [(matched.ours[i].magnitude, matched.reference[j].magnitude) for i, j in matched.pairs.tolist()]
    return np.array([ours - theirs for ours, theirs in pairs if ours is not None and not np.isnan(theirs)])


def magnitude_lines(earthquakes: Sequence[Earthquake], left_out: Counter[str]) -> str:
    """How many earthquakes have a local magnitude, and why stations have none."""
    held = [(each.magnitude, len(each.amplitudes)) for each in earthquakes if each.magnitude is not None]
    text = f"local magnitudes (Hutton & Boore 1987): {len(held)} of {len(earthquakes)}"
    if held:
        low, high = min(held)[0], max(held)[0]
        text += f", {low:.1f} to {high:.1f}, of {np.median([count for _, count in held]):g} stations (median)"
    without = counted(dict(left_out.most_common()))
    return text + (f"; without: {without}" if without else "")


def summary(onsets: Sequence[Onset], earthquakes: Sequence[Earthquake], matched: Matched | None) -> str:
    """A few lines for a terminal."""
    used = {id(at.onset) for each in earthquakes for at in each.arrivals}
    share = len(used) / len(onsets) if onsets else 0.0
    lines = [f"{len(earthquakes):,} earthquakes of {len(used):,} of {len(onsets):,} picks ({share:.0%})"]
    if earthquakes:
        rms = np.median([each.rms for each in earthquakes])
        lines.append(f"picks an earthquake: median {np.median([len(each.arrivals) for each in earthquakes]):g}; "
                     f"root mean square of residuals: median {rms:.2f} s")  # fmt: skip
        lines.append(f"{'station':<10}{'picks':>7}{'used':>7}{'P (s)':>9}{'±':>9}{'S (s)':>9}{'±':>9}")
        for network, station, *row in station_rows(onsets, earthquakes)[:40]:
            name = f"{network}.{station}"
            lines.append(f"{name:<10}{row[0]:>7}{row[1]:>7}" + "".join(f"{cell:>9}" for cell in row[2:]))
    if matched is not None:
        found, all_ = len(matched.pairs), len(matched.reference)
        additional = len(matched.additional())
        text = f"of the reference's {all_} earthquakes {found} found, {all_ - found} missed; {additional} additional"
        if found:
            text += (f"; median {np.median(np.abs(matched.seconds)):.2f} s and "
                     f"{np.median(matched.kilometres):.1f} km apart")  # fmt: skip
        lines.append(text)
        differences = magnitude_differences(matched)
        if len(differences):
            median, scatter = median_and_spread(differences)
            lines.append(f"magnitudes of {len(differences)}: median {median:+.2f} of the reference's, ± {scatter:.2f}")
    return "\n".join(line.rstrip() for line in lines)

"""The results of a comparison: tables and figures.

comparison.md      counts, residuals, stations, events, figures
comparison.json    the same numbers
picks.csv          one row per pick of either set: common, missed or additional, and the residual
stations.csv       one row per station
*.png              residuals, cumulative, stations, map
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minieqt.errors import counted
from minieqt.evaluation import comparison_figures as figures
from minieqt.evaluation.comparison import Comparison
from minieqt.evaluation.report import cell, grid, write_csv, write_json
from minieqt.files import write_text
from minieqt.plots import save_figure
from minieqt.tables.times import moment

STATIONS = 30  # that comparison.md shows
COLUMNS = ("ours", "reference", "common", "missed", "additional")


def write_comparison(folder: Path, comparison: Comparison, coordinates: figures.Coordinates) -> None:
    """Write every file of the list above; the map only where places are known."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {
        "residuals": figures.residual_histograms(comparison),
        "cumulative": figures.cumulative(comparison),
        "stations": figures.station_bars(comparison),
        "map": figures.station_map(comparison, coordinates),
    }
    shown = []
    for name, figure in drawn.items():
        if figure is not None:
            save_figure(figure, folder / f"{name}.png")
            shown.append(name)
        else:
            (folder / f"{name}.png").unlink(missing_ok=True)  # of an earlier comparison
    write_csv(folder / "picks.csv", pick_rows(comparison))
    write_csv(folder / "stations.csv", comparison.by_station())
    events = comparison.events()
    numbers = {
        "ours": comparison.ours.name,
        "reference": comparison.reference.name,
        "tolerance_s": comparison.tolerance,
        "counts": comparison.counts(),
        "stations": comparison.used(),
        "events": None if events is None else {name: n for name, n in events.items() if name != "names_found"},
        "left_out": {"ours": dict(comparison.ours.skipped), "reference": dict(comparison.reference.skipped)},
    }
    write_json(folder / "comparison.json", numbers)
    parts = [f"# {comparison.ours.name} beside {comparison.reference.name}\n", markdown(comparison)]
    parts += [f"![{name}]({name}.png)\n" for name in shown]
    write_text(folder / "comparison.md", "\n".join(parts))


def summary(comparison: Comparison) -> str:
    """The comparison in a few lines, for a terminal."""
    header = ("common", "missed", "additional", "found", "mean (s)", "std (s)", "MAE (s)")
    within = f"within {comparison.tolerance:g} s"
    lines = [f"{within:<22}" + "".join(f"{title:>12}" for title in header)]
    for row in comparison.counts():
        numbers = [str(row[name]) for name in header[:3]]
        numbers += [cell(row[key]) for key in ("found", "mean_s", "std_s", "mae_s")]
        lines.append(f"{row['phase'] + ', ' + row['stations']:<22}" + "".join(f"{n:>12}" for n in numbers))
    used = comparison.used()
    lines.append(f"stations: {len(used['both'])} of both, {len(used['ours'])} ours only, "
                 f"{len(used['reference'])} the reference's only")  # fmt: skip
    lines += [events_in_words(comparison)] if comparison.events() else []
    return "\n".join(line.rstrip() for line in lines)


def events_in_words(comparison: Comparison) -> str:
    """How many events there are, found, missed and additional."""
    events = comparison.events()
    assert events is not None
    text = f"events: {events['found']} of the reference's {events['reference']} have a common pick"
    if events["ours"]:
        text += f"; of our {events['ours']} events or detections {events['additional']} have none"
    return text


def left_out(comparison: Comparison) -> list[str]:
    """A line for each set of which picks or rows are not compared: how many, and why."""
    lines = []
    for name, skipped in (("ours", comparison.ours.skipped), ("the reference", comparison.reference.skipped)):
        reasons = counted(skipped)
        lines += [f"left out of {name}: {reasons}"] if reasons else []
    return lines


def markdown(comparison: Comparison) -> str:
    """Tables and lines of comparison.md."""
    header = ["", *COLUMNS, "found", "mean (s)", "std (s)", "MAE (s)"]
    keys = ("found", "mean_s", "std_s", "mae_s")
    rows = [
        [f"{row['phase']}, {row['stations']}", *(str(row[name]) for name in COLUMNS), *(cell(row[key]) for key in keys)]
        for row in comparison.counts()
    ]
    stations = comparison.by_station()
    lines = [[row["station"], *(str(row[name]) for name in COLUMNS), cell(row["found"])] for row in stations[:STATIONS]]
    parts = [
        f"Common picks lie within {comparison.tolerance:g} s of each other, one to one, at the same station and of the "
        "same phase; missed: the reference's alone; additional: ours alone, which is not the same as wrong.\n",
        grid(header, rows),
        f"{events_in_words(comparison)[0].upper()}{events_in_words(comparison)[1:]}.\n" if comparison.events() else "",
        grid(["station", *COLUMNS, "found"], lines),
    ]
    if len(stations) > STATIONS:
        parts.append(f"{len(stations) - STATIONS} more stations stand in stations.csv.\n")
    parts += [f"{line[0].upper()}{line[1:]}.\n" for line in left_out(comparison)]
    return "\n".join(part for part in parts if part)


def pick_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Rows of picks.csv, in order of time."""
    of_ours = dict(comparison.pairs.tolist())
    matched = set(of_ours.values())
    rows = []
    for i, pick in enumerate(comparison.ours.picks):
        j = of_ours.get(i)
        other = None if j is None else comparison.reference.picks[j]
        row: dict[str, Any] = {"kind": "additional", "station": str(comparison.our_stations[i]), "phase": pick.phase}
        row |= {"ours": moment(pick.time), "reference": "", "residual_s": None}
        if other is not None:
            residual = (pick.time - other.time) / 1e9
            row |= {"kind": "common", "reference": moment(other.time), "residual_s": residual}
        rows.append(row)
    for j, pick in enumerate(comparison.reference.picks):
        if j not in matched:
            row = {"kind": "missed", "station": str(comparison.reference_stations[j]), "phase": pick.phase}
            rows.append(row | {"ours": "", "reference": moment(pick.time), "residual_s": None})
    return sorted(rows, key=lambda row: row["ours"] or row["reference"])

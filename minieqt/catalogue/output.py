"""Writing what was associated: tables, QuakeML, figures (see `report` for the list)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from obspy import Trace, UTCDateTime
from tqdm import tqdm

from minieqt.catalogue import figures, quakeml, report
from minieqt.catalogue.earthquake import Earthquake
from minieqt.catalogue.input import Input
from minieqt.catalogue.reference import Matched
from minieqt.catalogue.velocity import Velocities
from minieqt.files import write_text
from minieqt.plots import save_figure
from minieqt.records.archive import Archive, open_archive
from minieqt.records.selection import Selection

AROUND = 10 * 10**9  # ns of records read before the first pick and after the last, for the filter
SECTION = "[12]???-??-??T??????.??.png"  # what a record section is called


def write_results(
    folder: Path,
    given: Input,
    earthquakes: Sequence[Earthquake],
    velocities: Velocities,
    matched: Matched | None,
    method: str = "PyOcto",
) -> None:
    """All files but the record sections; method: the associator's name. Files of an earlier run are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in (folder / "magnitudes.csv", folder / "reference.csv", *(folder / "sections").glob(SECTION)):
        earlier.unlink(missing_ok=True)
    write_text(folder / "earthquakes.csv", report.earthquakes_csv(earthquakes))
    write_text(folder / "assignments.csv", report.assignments_csv(earthquakes))
    write_text(folder / "stations.csv", report.stations_csv(given.onsets, earthquakes))
    if any(each.amplitudes for each in earthquakes):
        write_text(folder / "magnitudes.csv", report.magnitudes_csv(earthquakes))
    if matched is not None:
        write_text(folder / "reference.csv", report.reference_csv(matched))
    catalogue = quakeml.catalogue(earthquakes, velocities.name, method)
    quakeml.write_quakeml(catalogue, folder / "earthquakes.xml")
    quakeml.write_for_location(catalogue, folder / "nonlinloc.obs", folder / "hypodd.pha")
    save_figure(figures.epicentres(earthquakes, given.stations(), matched), folder / "map.png")


def draw_sections(folder: Path, earthquakes: Sequence[Earthquake], inputs: Sequence[Path]) -> int:
    """A record section of each earthquake into `folder`; how many. UserError if there are no records."""
    if not earthquakes:
        return 0
    first = min(each.arrivals[0].onset.time for each in earthquakes) - AROUND
    last = max(each.arrivals[-1].onset.time for each in earthquakes) + AROUND
    selection = Selection(UTCDateTime(ns=first), UTCDateTime(ns=last))
    archive = open_archive(list(inputs), selection, lambda path: None, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for each in tqdm(earthquakes, desc="record sections", disable=None):
        name = UTCDateTime(ns=each.time).strftime("%Y-%m-%dT%H%M%S.%f")[:-4]
        figure = figures.record_section(each, _verticals(archive, each))
        save_figure(figure, folder / f"{name}.png")
    return len(earthquakes)


def _verticals(archive: Archive, each: Earthquake) -> dict[tuple[str, str], Trace]:
    """One trace of every station with records, the vertical one if there is one, the longest of several."""
    start, end = each.arrivals[0].onset.time - AROUND, each.arrivals[-1].onset.time + AROUND
    found = {}
    for station in each.stations & set(archive.entries):
        traces = archive.read(station, start, end)
        if traces:
            found[station] = max(
                traces, key=lambda trace: (trace.stats.channel[-1:] in ("Z", "3"), trace.stats.npts, trace.id)
            )
    return found

"""Corrections as a data set in STEAD's layout, by the code of `import`.

Accepted detections become earthquakes, with their picks as corrected; rejected ones become noise windows. Detections
that nobody has judged are neither: no window may show their picks. No other noise is cut, as nobody has checked it for
earthquakes that the network missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from minieqt.data.stead_writer import pair_of_files, write_windows
from minieqt.errors import UserError, counted
from minieqt.importing.catalogue import Catalogue, match_networks, pair_up
from minieqt.importing.cut_windows import Job, cut_windows
from minieqt.records.archive import Archive
from minieqt.records.span import DAY
from minieqt.records.stations import Coordinates
from minieqt.review.state import Reviewed
from minieqt.tables.catalogue import Found
from minieqt.tables.picks import Onset, Station

NOT_JUDGED = "pick of a detection that nobody has judged"


def write_training_set(
    name: Path,
    states: Iterable[Reviewed],
    archive: Archive,
    coordinates: Coordinates,
    band: tuple[float, float] | None,
    seed: int,
    overwrite: bool,
) -> Counter[str]:
    """NAME.hdf5 and NAME.csv. {"earthquakes", "noise", reasons of what is left out: how many}.

    UserError if the files are there and not to be replaced, or no window could be cut.
    """
    hdf5, csv = pair_of_files(name, overwrite)
    catalogue, quiet = catalogue_of(states, archive)
    job = Job(catalogue, coordinates, band, 0, seed, archive.unreadable, quiet=quiet)
    counts: Counter[str] = Counter()
    wanted = days_of(catalogue, quiet)
    days = [day for day in archive.days() if day in wanted]
    with tqdm(days, "cutting windows", unit=" station-days", leave=False, disable=None) as bar:
        windows = list(cut_windows(archive, job, bar))
    for row, _ in windows:
        counts["earthquakes" if row["trace_name"].endswith("EV") else "noise"] += 1
    skipped = catalogue.found.skipped + job.skipped
    skipped.pop(NOT_JUDGED, None)
    if not windows:
        raise UserError(f"no training window: {counted(skipped) or 'nothing was judged'}")
    write_windows(hdf5, csv, windows)
    return counts + skipped


def days_of(catalogue: Catalogue, quiet: dict[Station, list[int]]) -> set[tuple[int, Station]]:
    """The station-days that hold something to cut out."""
    times = [(station, pair.first.time) for station, pairs in catalogue.pairs.items() for pair in pairs]
    times += [(station, time) for station, each in quiet.items() for time in each]
    return {(time // DAY * DAY, station) for station, time in times}


def catalogue_of(states: Iterable[Reviewed], archive: Archive) -> tuple[Catalogue, dict[Station, list[int]]]:
    """The earthquakes, and the times at which there is none."""
    found, quiet = Found([]), dict[Station, list[int]]()
    for state in states:
        network, station = state.instrument.network, state.instrument.station
        for phase, time in state.times().items():
            onset = Onset(network, station, phase, time, state.key, "manual")
            if state.verdict == "accepted":
                found.onsets.append(onset)
            elif state.verdict != "rejected":
                found.leave_out(onset, NOT_JUDGED)
        if state.verdict == "rejected":
            first = min(state.times().values(), default=state.start)
            quiet.setdefault((network, station), []).append(first)
    if found.onsets:
        catalogue = pair_up(match_networks(found, archive.entries))
    else:
        catalogue = Catalogue({}, {}, {}, found)
        for onset, _ in found.unused:
            catalogue.seen.setdefault((onset.network, onset.station), []).append(onset.time)
    for onset, reason in found.unused:
        if reason == NOT_JUDGED:
            catalogue.onsets.setdefault((onset.network, onset.station), []).append(onset.time)
    for times in (*catalogue.onsets.values(), *catalogue.seen.values()):
        times.sort()
    return catalogue, quiet

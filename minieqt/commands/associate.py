"""Picks of several stations become earthquakes: PyOcto or GaMMA says which picks belong together, where and when.

PICKS is the OUT folder of `pick`, or any table or catalogue of picks that `compare` reads. The stations' places come
from --stations, or from what `pick --stations` wrote. OUT gets earthquakes.xml (QuakeML: origins, arrivals, picks),
earthquakes.csv, assignments.csv, stations.csv, map.png, and what NonLinLoc and hypoDD read. Places are first guesses,
good enough to tell earthquakes apart. An agency's list is compared one to one: found, missed, additional.

  python -m minieqt associate picks --stations stations.xml --out found
  python -m minieqt associate picks --stations stations.xml --out found --velocities model.csv --tolerance 0.8
  python -m minieqt associate picks --stations stations.xml --out found --reference agency.csv --sections archive
  python -m minieqt associate picks --stations stations.xml --out found --magnitudes archive     needs responses
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from minieqt.arguments import existing_file, existing_path, positive, whole
from minieqt.commands.options import add_stations_option, parse_time
from minieqt.errors import UserError, counted

if TYPE_CHECKING:
    from minieqt.catalogue.associate import Limits

METHODS = {"pyocto": "PyOcto", "gamma": "GaMMA"}


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("picks", type=existing_path, metavar="PICKS", help="OUT of pick, or a file of picks")
    add_stations_option(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder that gets the results")
    parser.add_argument("--start", metavar="TIME", help="picks from here on, such as 2022-02-06T02:30:00")
    parser.add_argument("--end", metavar="TIME", help="up to here")
    parser.add_argument("--method", choices=METHODS, default="pyocto", help="whose association (pyocto)")
    velocity = parser.add_argument_group("velocities")
    velocity.add_argument("--vp", type=positive, metavar="KM/S", help="of P, everywhere (5.9)")
    velocity.add_argument("--vs", type=positive, metavar="KM/S", help="of S, everywhere (3.4)")
    velocity.add_argument(
        "--velocities", type=Path, metavar="FILE|NAME", help="or a CSV table: depth (km), vp, vs; or iasp91, ak135"
    )
    limits = parser.add_argument_group("what is an earthquake")
    for name, default, what in (
        ("picks", 8, "picks at the least"),
        ("p", 3, "P among them"),
        ("s", 3, "S among them"),
        ("both", 2, "stations with P and S"),
    ):
        limits.add_argument(
            f"--minimum-{name}", type=whole(0), default=default, metavar="N", help=f"{what} ({default})"
        )
    limits.add_argument("--tolerance", type=positive, default=0.6, metavar="SECONDS", help="of a pick's time (0.6)")
    limits.add_argument("--apart", type=positive, metavar="SECONDS", help="of two earthquakes, by PyOcto (1.0)")
    limits.add_argument("--margin", type=positive, default=50.0, metavar="KM", help="around the stations (50)")
    limits.add_argument(
        "--depth", type=float, nargs=2, default=(0.0, 30.0), metavar="KM", help="of earthquakes, from and to (0 30)"
    )
    reference = parser.add_argument_group("an agency's list beside it")
    reference.add_argument(
        "--reference", type=existing_file, metavar="FILE", help="CSV (time, latitude, longitude) or QuakeML"
    )
    reference.add_argument("--seconds", type=positive, default=2.0, help="between two that are one (2.0)")
    reference.add_argument("--kilometres", type=positive, default=20.0, metavar="KM", help="and between places (20)")
    more = parser.add_argument_group("more")
    more.add_argument(
        "--sections",
        type=existing_path,
        nargs="+",
        metavar="INPUT",
        help="records: draw each earthquake (additional ones only)",
    )
    more.add_argument(
        "--magnitudes",
        type=existing_path,
        nargs="+",
        metavar="INPUT",
        help="records: local magnitudes, by the responses in --stations (southern California's attenuation)",
    )
    more.add_argument("--threads", type=whole(1, 4096), default=1, help="of PyOcto; GaMMA takes one (1)")


def limits_of(options: Namespace) -> Limits:
    """What counts as an earthquake. The defaults above are those of Limits, which is slow to import."""
    from minieqt.catalogue.associate import Limits

    return Limits(
        options.minimum_picks,
        options.minimum_p,
        options.minimum_s,
        options.minimum_both,
        options.tolerance,
        options.apart or 1.0,
        options.margin,
        tuple(options.depth),
    )


def run(options: Namespace) -> int:
    from minieqt.catalogue.associate import associate
    from minieqt.catalogue.gamma import associate_by_gamma
    from minieqt.catalogue.input import covered, read_input
    from minieqt.catalogue.magnitude import read_responses, with_magnitudes
    from minieqt.catalogue.output import draw_sections, write_results
    from minieqt.catalogue.reference import match_events
    from minieqt.catalogue.report import magnitude_lines, summary
    from minieqt.catalogue.velocity import homogeneous, read_velocities

    if options.magnitudes and not options.stations:
        raise UserError("--magnitudes needs instrument responses: name an inventory that has them with --stations")
    if options.velocities and (options.vp or options.vs):
        raise UserError("--velocities tells them at every depth: leave --vp and --vs out, or --velocities")
    if options.method == "gamma" and options.apart:
        raise UserError("--apart is PyOcto's, GaMMA sets no time between two earthquakes: leave it out")
    responses = read_responses(options.stations) if options.magnitudes else None  # before what takes long
    limits = limits_of(options)
    if options.velocities:
        velocities = read_velocities(options.velocities)
    else:
        velocities = homogeneous(options.vp or 5.9, options.vs or 3.4)
    given = read_input(options.picks, options.stations, parse_time(options.start), parse_time(options.end))
    if given.skipped:
        print(f"left out: {counted(given.skipped)}", file=sys.stderr)
    if options.method == "gamma":
        earthquakes = associate_by_gamma(given.onsets, given.places, velocities, limits)
    else:
        earthquakes = associate(given.onsets, given.places, velocities, limits, options.threads)
    if responses is not None:
        earthquakes, without = with_magnitudes(earthquakes, options.magnitudes, responses, options.out)
        print(magnitude_lines(earthquakes, without))
    matched = None
    if options.reference:
        reference, outside = covered(options.reference, given, limits.margin)
        if outside:
            print(f"of {options.reference.name} left out: {outside}", file=sys.stderr)
        matched = match_events(earthquakes, reference, options.seconds, options.kilometres)
    write_results(options.out, given, earthquakes, velocities, matched, METHODS[options.method])
    print(summary(given.onsets, earthquakes, matched))
    if options.sections:
        wanted = earthquakes if matched is None else matched.additional()
        count = draw_sections(options.out / "sections", wanted, options.sections)
        print(f"record sections: {count} in {options.out / 'sections'}")
    print(f"results: {options.out}")
    return 0

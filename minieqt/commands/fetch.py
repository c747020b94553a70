"""Continuous records and stations from data centres (FDSN web services), into an archive that `pick` takes.

OUT gets waveforms/ (miniSEED, an SDS archive), stations.xml (StationXML), fetched.csv (every request and what came of
it) and left_out.csv (what could not be had, and why). The same command goes on where it stopped: what is there, or is
nowhere to be had, is not asked for again; what failed is. Of a station's instruments the first of --channels that it
had on a day is fetched.

  python -m minieqt fetch --out data --networks CI --stations "CLC,SLA,W*" --start 2019-07-04 --end 2019-07-05
  python -m minieqt fetch --out data --circle 35.7 -117.5 100 --start 2019-07-04T17:00 --end 2019-07-04T18:00
  python -m minieqt fetch --out data --service eida-routing --networks CH --start 2020-01-01 --end 2020-02-01
  python -m minieqt pick data/waveforms --stations data/stations.xml --out picks
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from minieqt.arguments import existing_file, positive, whole
from minieqt.commands.options import parse_time

CHANNELS = ("HH?", "BH?", "EH?", "SH?", "HN?")


def arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="the folder that gets the records")
    add("--start", required=True, metavar="TIME", help="UTC, such as 2019-07-04 or 2019-07-04T17:30:00")
    add("--end", required=True, metavar="TIME", help="up to here")
    add("--networks", default="*", metavar="CODES", help='such as "CI,NN"; * and ? stand for letters (all)')
    add("--stations", default="*", metavar="CODES", help="likewise (all)")
    add("--channels", nargs="+", default=CHANNELS, metavar="CODE", help=f"the best first ({' '.join(CHANNELS)})")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--region", type=float, nargs=4, metavar=("S", "N", "W", "E"), help="a rectangle, in degrees")
    where.add_argument("--circle", type=float, nargs=3, metavar=("LAT", "LON", "KM"), help="around a place")
    add("--responses", action="store_true", help="instrument responses too, in stations.xml")
    service = parser.add_argument_group("from whom")
    service.add_argument(
        "--service", nargs="+", default=["EARTHSCOPE"], metavar="NAME",
        help="data centres as ObsPy names them, addresses, earthscope-federator or eida-routing (EARTHSCOPE)",
    )  # fmt: skip
    service.add_argument("--token", type=existing_file, metavar="FILE", help="of EIDA, for restricted records")
    service.add_argument("--connections", type=whole(1, 10), default=3, metavar="N", help="requests at a time (3)")
    service.add_argument("--timeout", type=positive, default=120.0, metavar="SECONDS", help="for an answer (120)")


def run(options: Namespace) -> int:
    from obspy import UTCDateTime
    from tqdm import tqdm

    from minieqt.errors import UserError
    from minieqt.fetching.plan import Region, Task, Wanted
    from minieqt.fetching.run import Progress, fetch, plan
    from minieqt.fetching.service import Service
    from minieqt.fetching.store import Store

    start, end = parse_time(options.start), parse_time(options.end)
    if not start < end:
        raise UserError(f"--end {options.end} does not come after --start {options.start}")
    now = UTCDateTime()
    if start >= now:
        raise UserError(f"--start {options.start} has not come yet")
    if end > now:  # what is asked for once is not asked for again: the rest of the day would never be
        end = now
        print(f"--end {options.end} has not come yet: up to {now}", file=sys.stderr)
    region = Region(options.region and tuple(options.region), options.circle and tuple(options.circle))
    channels = tuple(code for text in options.channels for code in text.replace(",", " ").upper().split())
    wanted = Wanted(options.networks, options.stations, channels, start.ns, end.ns, region, options.responses)
    store = Store(options.out)
    token = str(options.token) if options.token else None
    services = [Service(name, token, options.timeout) for name in options.service]
    planned = plan(services, wanted, store)
    stations = {task.name for _, task in planned}
    print(f"{len(stations)} stations, {len(planned)} station-days; {options.out}/stations.xml says where they are")
    progress = Progress()
    try:
        with tqdm(total=len(planned), unit="station-day", disable=None) as bar:

            def report(task: Task, now: Progress) -> None:
                bar.set_description_str(f"{task.name} {task.day}", refresh=False)
                bar.update(now.done - bar.n)

            fetch(planned, store, options.connections, report, progress)
    except KeyboardInterrupt:
        told = f"stopped; the same command goes on from here, {progress.done} of {len(planned)} station-days are done"
        raise KeyboardInterrupt(told) from None
    finally:
        left_out = store.write_left_out()
    if left_out:
        print(f"not there: {left_out}; {options.out}/left_out.csv", file=sys.stderr)
    again = f", {progress.failed} failed: the same command asks for them again" if progress.failed else ""
    print(
        f"station-days: {progress.fetched} fetched, {progress.before} were there before, "
        f"{progress.not_there} are not to be had{again}"
    )
    return 0

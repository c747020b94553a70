"""Pick continuous records: earthquakes, P and S, in files that other seismology software reads.

INPUT is any number of files of any format that ObsPy reads, folders, or an SDS archive. OUT gets picks.csv,
X_prediction_results.csv (EQTransformer's columns), picks.xml (QuakeML: one candidate event a detection, without an
origin), association.csv for PyOcto and association_gamma.csv for GaMMA (use_amplitude off). Started again, it goes on
where it stopped.

  python -m minieqt pick --example
  python -m minieqt pick day.mseed --out picks
  python -m minieqt pick day.mseed --weights runs/001/best.h5 --out picks
  python -m minieqt pick archive --weights conservative --out picks --start 2022-02-06 --end 2022-02-08 --station "PB.*"
  python -m minieqt pick archive --weights pnw.pt --out picks --overlap 0.7 --uncertainty 10 --plots 5 --probabilities
  python -m minieqt pick archive --out picks --workers 4 --picks all     in four processes; all P and S, to associate
  python -m minieqt pick archive --out picks --dask tcp://10.0.0.1:8786  by the workers of a Dask cluster
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minieqt.arguments import share, whole
from minieqt.commands.options import (
    add_device_option,
    add_stations_option,
    add_weight_options,
    add_weights_option,
    parse_filter,
    parse_time,
    weight_options,
)
from minieqt.errors import UserError
from minieqt.inference.peaks import DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD

if TYPE_CHECKING:
    from minieqt.picking.pool import Pool
    from minieqt.picking.probabilities import Settings
    from minieqt.picking.run import Job, Report
    from minieqt.records.selection import Selection

LOCAL = "local"  # --dask


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("input", nargs="*", type=Path, metavar="INPUT", help="waveform files, folders, an SDS archive")
    add_weights_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder that gets the results (example: example)")
    parser.add_argument("--example", action="store_true", help="pick and draw the earthquake that ObsPy brings along")
    chosen = parser.add_argument_group("which part of the input")
    chosen.add_argument("--start", metavar="TIME", help="not before, such as 2022-02-06 or 2022-02-06T02:30:00")
    chosen.add_argument("--end", metavar="TIME", help="up to here: a day ends where the next begins")
    chosen.add_argument("--station", action="append", default=[], metavar="NET.STA", help="with * and ?; repeatable")
    chosen.add_argument(
        "--instruments", choices=("best", "all"), default="best", help="of each station and day, such as HH, HN (best)"
    )
    rules = parser.add_argument_group("how")
    rules.add_argument("--overlap", type=share, default=0.5, metavar="SHARE", help="of neighbouring windows (0.5)")
    rules.add_argument("--stack", choices=("max", "mean"), default="max", help="of windows where they overlap (max)")
    rules.add_argument("--blind", type=whole(0), default=0, metavar="N", help="samples at windows' edges left out (0)")
    rules.add_argument("--filter", default="1-45", metavar="LOW-HIGH", help="band-pass in Hz, or none (1-45)")
    for name, threshold in (("detection", DETECTION_THRESHOLD), ("p", P_THRESHOLD), ("s", S_THRESHOLD)):
        rules.add_argument(
            f"--{name}-threshold", type=share, default=threshold, metavar="P", help=f"probability ({threshold})"
        )
    rules.add_argument(
        "--rule",
        choices=("minieqt", "eqtransformer", "seisbench"),
        default="minieqt",
        help="from probabilities to events: ours, as published, or SeisBench's (minieqt)",
    )
    rules.add_argument(
        "--detection-end",
        type=share,
        metavar="P",
        help="a detection goes on until its probability is below this (half of the threshold); minieqt's rule",
    )
    rules.add_argument(
        "--join",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="detections with a shorter gap are one (0); minieqt's rule",
    )
    rules.add_argument(
        "--picks",
        choices=("detections", "all"),
        default="detections",
        help="one P and S per detection, or all, for associators (detections; seisbench's rule: all)",
    )
    rules.add_argument("--batch-size", type=whole(1), default=32, metavar="N", help="windows at a time (32)")
    rules.add_argument("--threads", type=whole(1, 4096), help="of all workers together (all there are)")
    rules.add_argument(
        "--workers",
        type=whole(1, 1024),
        default=1,
        metavar="N",
        help="processes that share the station-days (1)",
    )
    rules.add_argument(
        "--dask",
        metavar="local|tcp://HOST:PORT",
        help="share them among the workers of a Dask cluster: one here of --workers, or that of a scheduler's address",
    )
    add_device_option(rules)
    rules.add_argument("--uncertainty", type=whole(0), default=0, metavar="N", help="samples of MC dropout (0)")
    rules.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of those samples (0)")
    more = parser.add_argument_group("more to write")
    more.add_argument("--probabilities", action="store_true", help="detection, P and S over time, as miniSEED")
    more.add_argument("--parquet", action="store_true", help="picks.csv as Parquet too, a file per day")
    more.add_argument("--plots", type=whole(0), default=0, metavar="N", help="figures for each station and day (0)")
    add_stations_option(more)
    add_weight_options(parser)


def run(options: Namespace) -> int:
    from minieqt.picking.parquet import FOLDER, check_installed
    from minieqt.picking.run import Job
    from minieqt.records.selection import Selection
    from minieqt.records.stations import read_coordinates
    from minieqt.threads import available_threads, limit_threads
    from minieqt.warmup import warm_up
    from minieqt.weights import open_weights

    if options.example == bool(options.input):
        raise UserError("name files or folders to pick, or --example without any")
    options.out = options.out or (Path("example") if options.example else None)
    if options.out is None:
        raise UserError("--out DIR is needed: the folder that gets the results")
    if (options.workers > 1 or options.dask) and options.device != "cpu":
        raise UserError("--workers and --dask are for the processor: a GPU is kept busy by one process")
    if (options.workers > 1 or options.threads) and options.dask not in (None, LOCAL):
        raise UserError("--workers and --threads are this machine's: the cluster of --dask has its own")
    settings = settings_of(options)
    selection = Selection(parse_time(options.start), parse_time(options.end), tuple(options.station))
    weights = open_weights(options.weights, **weight_options(options))
    settings.step(weights.model.length)
    weights.model.to(options.device)
    print(f"{weights.name}: {weights.describe()}")
    limit_threads(options.threads or available_threads())
    if options.example:
        warm_up(options.device)
        options.out.mkdir(parents=True, exist_ok=True)
        return run_example(options, weights.model, settings)
    places = read_coordinates(options.stations)
    parquet = options.parquet or (options.out / FOLDER).is_dir()  # which would not be what the tables are
    if parquet:
        check_installed()
    job = Job(weights.model, settings, options.out, options.probabilities, options.plots, places, parquet)
    with pool_of(options) as pool:
        tell(pick_input(options, selection, job, pool), options.out)
    return 0


def settings_of(options: Namespace) -> Settings:
    """How records are picked. The defaults above are those of Settings, which is slow to import."""
    from minieqt.picking.probabilities import Settings

    return Settings(
        overlap=options.overlap,
        stack=options.stack,
        blind=options.blind,
        band=parse_filter(options.filter),
        detection_threshold=options.detection_threshold,
        p_threshold=options.p_threshold,
        s_threshold=options.s_threshold,
        batch_size=options.batch_size,
        instruments=options.instruments,
        samples=options.uncertainty,
        seed=options.seed,
        rule=options.rule,
        detection_end=options.detection_end,
        join=options.join,
        picks=options.picks,
    )


def pool_of(options: Namespace) -> AbstractContextManager[Pool]:
    """What picks: this process, several processes, or the workers of a Dask cluster."""
    from minieqt.picking.pool import processes
    from minieqt.threads import available_threads

    if options.dask is None:
        return nullcontext(processes(options.workers))
    try:
        from minieqt.picking.cluster import dask_pool, local_pool
    except ModuleNotFoundError as error:
        raise UserError(f"--dask needs Dask ({error}): pip install 'minieqt[cluster]'") from error
    shared = [*options.input, options.out]
    if options.dask == LOCAL:
        return local_pool(options.workers, options.threads or available_threads(), shared)
    return dask_pool(options.dask, shared)


def pick_input(options: Namespace, selection: Selection, job: Job, pool: Pool) -> Report:
    """Look through the input and pick it, with bars that show how far."""
    from tqdm import tqdm

    from minieqt.picking.pool import WorkerLost
    from minieqt.picking.run import pick_archive
    from minieqt.records.archive import open_archive
    from minieqt.records.header_index import NAME, HeaderIndex
    from minieqt.warmup import warm_up

    with tqdm(desc="looking through files", unit=" files", leave=False, disable=None) as bar:
        index = HeaderIndex(options.out / NAME)
        archive = open_archive(options.input, selection, lambda path: bar.update(), options.out, index)
    if options.dask in (None, LOCAL):  # elsewhere others compute
        warm_up(options.device)
    with tqdm(total=len(archive.days()), unit="station-day", disable=None) as bar:
        windows = done = 0

        def progress(count: int) -> None:
            nonlocal windows
            windows += count
            bar.set_postfix_str(f"{windows} windows", refresh=True)

        def finish(report: Report) -> None:
            nonlocal done
            done = report.done + report.resumed
            bar.total = max(bar.total, done)
            bar.update()
            bar.set_postfix_str(f"{windows} windows, {report.found['events']} events", refresh=False)

        try:
            report = pick_archive(archive, job, bar.set_description_str, progress, finish, pool)
            bar.total = done  # names of files may have told of more
            return report
        except (KeyboardInterrupt, WorkerLost) as stop:
            bar.total = len(archive.days())  # by what the files hold that were looked at
            told = f"the same command goes on from here, {done} of {bar.total} station-days are done"
            raise type(stop)(f"{str(stop) or 'stopped'}; {told}") from None


def tell(report: Report, out: Path) -> None:
    """What was picked, and what was left out."""
    if report.foreign:
        told = f"{report.foreign} station-days in {out} were made with other weights or options"
        print(f"{told}: not in the tables", file=sys.stderr)
    left_out = report.left_out
    if left_out:
        print(f"left out: {left_out}", file=sys.stderr)
    read, picked, left = (f"{seconds / 3600:.3f}" for seconds in (left_out.recorded, left_out.picked, left_out.seconds))
    print(f"hours of all channels: {read} read, {picked} picked, {left} left out; {out / 'left_out.csv'} says why")
    earlier = f", {report.earlier} of other runs" if report.earlier else ""
    print(
        f"station-days: {report.done} picked, {report.resumed} taken as they were{earlier}; "
        f"{report.found['events']} events, {report.found['P']} P, {report.found['S']} S in {out}"
    )


def run_example(options: Namespace, model: Any, settings: Any) -> int:
    """Pick ObsPy's own example record and draw what was found, or the whole record if nothing was."""
    import obspy

    from minieqt.picking.pick import station_day
    from minieqt.picking.results import Events
    from minieqt.picking.run import draw, plot_event
    from minieqt.plots import save_figure
    from minieqt.records.span import DAY

    stream = obspy.read()
    start = stream[0].stats.starttime
    (found,) = station_day(stream, start.ns // DAY * DAY, model, settings)
    events = Events(found.events)
    for event in events:
        print(f"{event.start} to {event.end}: detection {event.probability:.2f}")
        for pick in event.picks():
            print(f"  {pick.phase} {pick.time} on {pick.channel}, probability {pick.probability:.2f}")
    if events:
        figure = plot_event(found, max(events, key=lambda event: event.probability), settings.band)
    else:
        print("nothing was found: these weights may need more training (or lower thresholds)")
        segment = found.segments[0]
        figure = draw(found.instrument, segment.start, segment.x, found.probabilities[0].mean, settings.band)
    path = options.out / "example.png"
    save_figure(figure, path)
    events.to_csv_of_picks(options.out / "picks.csv")
    print(f"figure: {path}")
    return 0

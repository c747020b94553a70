"""Look at picks and correct them, in the browser: the doubtful ones first, then a sample for an honest error rate.

OUT is the folder that `pick` wrote. ARCHIVE are the records, where they are no longer where `pick` found them. The page
is served on this machine only, at an address with a secret in it. Every correction goes to OUT/review.jsonl at once,
and nothing is taken out of it. Needs Bokeh: pip install bokeh. --explain opens another page, for class rooms: what the
network's stages and attentions make of a window, and what it says when components are dropped, shifted or noisy.

--take-back FILE enters what was corrected in other software, Snuffler's markers or QuakeML, into the same journal.
--export writes, instead of opening the page: reviewed.xml (QuakeML), reviewed.markers (Pyrocko's Snuffler),
training.hdf5 and training.csv (STEAD's layout, for train.py), report.json (how often the network errs).

  python -m minieqt review picks
  python -m minieqt review picks archive --random 100 --other picks_of_another_network
  python -m minieqt review picks --weights conservative --explain
  python -m minieqt review picks --export reviewed
  python -m minieqt review picks --take-back reviewed/reviewed.markers
  python train.py --data reviewed/training.hdf5 --weights conservative --select picks --out runs/own
"""

from __future__ import annotations

import getpass
import sys
import tempfile
import webbrowser
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minieqt.arguments import existing_file, existing_path, whole
from minieqt.commands.options import add_weight_options, add_weights_option, parse_filter, weight_options
from minieqt.errors import UserError, counted


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("out", type=existing_path, metavar="OUT", help="what `pick --out` wrote")
    parser.add_argument("archive", nargs="*", type=existing_path, metavar="ARCHIVE", help="records (where pick read)")
    queue = parser.add_argument_group("what to look at")
    queue.add_argument("--first", type=whole(0), default=100, metavar="N", help="of the most doubtful detections (100)")
    queue.add_argument(
        "--random", type=whole(0), default=50, metavar="N", help="detections, and quiet minutes, drawn at random (50)"
    )
    queue.add_argument("--other", type=existing_path, metavar="OUT", help="another network's picks, to compare with")
    queue.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of what is drawn at random (0)")
    page = parser.add_argument_group("the page")
    page.add_argument("--who", metavar="NAME", help="whose corrections these are (your login)")
    page.add_argument("--port", type=whole(0, 65535), default=5006, help="on 127.0.0.1; 0 is any that is free (5006)")
    page.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    page.add_argument("--filter", default="1-45", metavar="LOW-HIGH", help="band-pass in Hz, or none (1-45)")
    add_weights_option(page, "minieqt's own; asked where pick wrote no --probabilities")  # type: ignore[arg-type]
    page.add_argument("--explain", action="store_true", help="look into the network, at the queue's windows")
    page.add_argument(
        "--stations", type=existing_file, metavar="FILE", help="inventory: coordinates (those that pick wrote)"
    )
    files = parser.add_argument_group("instead of the page")
    files.add_argument("--export", type=Path, metavar="DIR", help="write what was reviewed")
    files.add_argument("--take-back", type=existing_file, metavar="FILE", help="enter what was corrected elsewhere")
    files.add_argument("--overwrite", action="store_true", help="replace files that are already there")
    add_weight_options(parser)


def run(options: Namespace) -> int:
    from minieqt.review.journal import Journal
    from minieqt.review.queue import draw_sample, make_queue
    from minieqt.review.state import read_out

    if sum(map(bool, (options.explain, options.export, options.take_back))) > 1:
        raise UserError("--explain, --export and --take-back are three things to do: one at a time")
    if options.overwrite and not options.export:
        raise UserError("--overwrite is about the files of --export: give both, or neither")
    out = read_out(options.out)
    other = None if options.other is None else list(read_out(options.other).events.values())
    band = parse_filter(options.filter)
    journal = Journal(options.out)
    if options.take_back:
        return take_back(options, out, journal)
    archive, recorded = open_records(options, out)
    sample = draw_sample(out, recorded, options.random, options.random, options.seed)
    tell_unusable(out, journal, "not shown")
    if journal.conflicts:
        print(f"{len(journal.conflicts)} corrections contradict each other: the page shows them", file=sys.stderr)
    if options.export:
        return export(options, out, journal, archive, sample, band)
    queue = make_queue(out, sample, options.first, other)
    if not queue:
        raise UserError("there is nothing to look at: --first and --random are 0")
    return serve(options, out, journal, archive, queue, band)


def take_back(options: Namespace, out: Any, journal: Any) -> int:
    """Into the journal, whatever of the file is new."""
    from minieqt.review.take_back import describe, read_returned, take_back

    picks, skipped = read_returned(options.take_back)
    if skipped:
        print(f"left out: {counted(skipped)}", file=sys.stderr)
    done = take_back(picks, out, journal, options.who or login())
    print(f"{options.take_back}: {len(picks)} picks; {describe(done)}")
    return 0


def open_records(options: Namespace, out: Any) -> tuple[Any, dict[Any, list[Any]]]:
    """The archive, ARCHIVE or where pick read; and when each station has data. UserError if it is no longer there."""
    from tqdm import tqdm

    from minieqt.records.archive import open_archive
    from minieqt.records.selection import Selection

    where = options.archive or [path for path in out.records if path.exists()]
    if not where:
        raise UserError(f"the records of {options.out} are no longer where pick read them: name them as ARCHIVE")
    with tqdm(desc="looking through files", unit=" files", leave=False, disable=None) as bar:
        archive = open_archive(where, Selection(), lambda path: bar.update(), options.out)
    return archive, {station: [(each.start, each.end) for each in found] for station, found in archive.entries.items()}


def tell_unusable(out: Any, journal: Any, what_of_it: str) -> None:
    """Print what of OUT and its journal cannot be used."""
    from minieqt.review.state import orphans

    for count, what in (
        (out.foreign, f"station-days were picked with other weights or options: {what_of_it}"),
        (journal.unreadable, f"lines of {journal.path} are no corrections: passed over"),
        (len(orphans(out, journal)), f"corrected detections are no longer among the picks: {what_of_it}"),
    ):
        if count:
            print(f"{count} {what}", file=sys.stderr)


def export(options: Namespace, out: Any, journal: Any, archive: Any, sample: Any, band: Any) -> int:
    """Every file, and the report as text."""
    from minieqt.records.stations import read_coordinates
    from minieqt.review.exports import write_markers, write_quakeml
    from minieqt.review.report import describe, error_report, write_report
    from minieqt.review.state import reviewed
    from minieqt.review.training_set import write_training_set

    folder, states = options.export, reviewed(out, journal)
    names = ("reviewed.xml", "reviewed.markers", "report.json", "training.hdf5", "training.csv")
    there = next((folder / name for name in names if (folder / name).exists()), None)
    if there and not options.overwrite:
        raise UserError(f"{there} is already there: replace it with --overwrite, or name another --export")
    coordinates = read_coordinates(options.stations)
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in ("training.hdf5", "training.csv"):  # which this export may have none of
        (folder / earlier).unlink(missing_ok=True)
    events = write_quakeml(folder / "reviewed.xml", states.values(), journal)
    markers = write_markers(folder / "reviewed.markers", states.values())
    unsure = sum(state.verdict == "unsure" for state in states.values())
    print(f"{events} judged detections in QuakeML ({unsure} unsure are not), {markers} picks as markers: {folder}")
    report = error_report(states, sample, journal, options.seed)
    write_report(folder / "report.json", report)
    print(describe(report))
    try:
        counts = write_training_set(
            folder / "training", states.values(), archive, coordinates, band, options.seed, options.overwrite
        )
    except UserError as error:
        print(error, file=sys.stderr)
        return 0
    tell_left_out(counts)
    print(f"{counts['earthquakes']} earthquakes, {counts['noise']} noise windows: {folder / 'training.hdf5'}")
    return 0


def tell_left_out(counts: Mapping[str, int]) -> None:
    """Print what of the corrections no window could be cut of."""
    left_out = counted({reason: n for reason, n in counts.items() if reason not in ("earthquakes", "noise")})
    if left_out:
        print(f"left out of the training set: {left_out}", file=sys.stderr)


def serve(options: Namespace, out: Any, journal: Any, archive: Any, queue: Any, band: Any) -> int:
    """The page, until Ctrl-C."""
    from minieqt.catalogue.input import coordinates_of
    from minieqt.records.stations import read_coordinates
    from minieqt.review.desk import Review
    from minieqt.review.server import EXPLAIN, start_server
    from minieqt.review.waveforms import Waveforms
    from minieqt.warmup import warm_up
    from minieqt.weights import open_weights

    model = None
    if options.explain or options.weights or not (options.out / "probabilities").is_dir():
        weights = open_weights(options.weights, **weight_options(options))
        print(f"probabilities by {weights.name}: {weights.describe()}")
        model = weights.model
    who = options.who or login()
    coordinates = read_coordinates(options.stations) or coordinates_of(out.path / "picks.csv")
    review, waveforms = Review(out, journal, queue, who), Waveforms(archive, out.path, band, model)
    server, address = start_server(review, waveforms, coordinates, options.port)
    if options.explain:
        address = f"{address}/{EXPLAIN}"
    if model is not None:
        warm_up("cpu")
    print(f"{len(queue)} to look at, corrections by {who} in {journal.path}\n{address}\nCtrl-C ends it", flush=True)
    with tempfile.TemporaryDirectory() as folder:  # which only this user may look into
        if not options.no_browser:
            server.io_loop.add_callback(webbrowser.open, redirect(Path(folder), address))
        try:
            server.io_loop.start()
        finally:
            server.stop()
    return 0


def redirect(folder: Path, address: str) -> str:
    """A file that leads to the page. Everybody on this machine sees a browser's arguments: the token is in none."""
    file = folder / "review.html"
    file.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', encoding="utf-8")
    return file.as_uri()


def login() -> str:
    """The user's name, if the system knows one."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"

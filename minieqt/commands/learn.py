"""Fine-tune a network on the corrections of `review`, and keep it only if it picks no worse.

OUT is the folder that `pick` wrote and `review` corrected. A fifth of the time is held back, in blocks of ten minutes:
on the corrections of these, which neither network was trained on, both are scored, before and after. A network that
got worse does not take the place of the one before it (exit code 1). Every version is kept, with its origin, in
OUT/learned/001, 002 …; the newest that was taken is OUT/learned/weights.h5, and what the next `learn` begins with.

With --data, old windows are trained on beside the corrections, so that nothing is forgotten, and what is held back of
them is scored too. docs/review.md has the whole way.

  python -m minieqt review picks
  python -m minieqt learn picks --weights conservative
  python -m minieqt learn picks --weights conservative --data stead.hdf5 --share 0.7
  python -m minieqt learn picks --resume                  go on with what Ctrl-C has stopped
  python -m minieqt pick archive --weights picks/learned/weights.h5 --out tomorrow
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from shlex import quote
from typing import Any

from minieqt.arguments import existing_path, positive, share, whole
from minieqt.commands.options import add_stations_option, add_weights_option, parse_filter
from minieqt.errors import UserError

HOLD_BACK, SHARE, BAND = 0.2, 0.5, "1-45"
OLD_SCORED = 1000  # windows of the old data at most, of those that are held back
OF_THE_RUN = ("epochs", "learning_rate", "batch_size", "seed")  # as its config.json has them
WORSE = 1  # exit code


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("out", type=existing_path, metavar="OUT", help="what `pick --out` wrote and `review` corrected")
    parser.add_argument("archive", nargs="*", type=existing_path, metavar="ARCHIVE", help="records (where pick read)")
    add_weights_option(parser, "the newest that learnt here, else minieqt's own: name those that you picked with")
    parser.add_argument("--hold-back", type=share, metavar="SHARE", help=f"of the time, to score with ({HOLD_BACK})")
    old = parser.add_argument_group("so that nothing is forgotten")
    old.add_argument("--data", type=existing_path, nargs="+", metavar="FILE", help="old windows, as `train` reads them")
    old.add_argument("--share", type=share, metavar="SHARE", help=f"of an epoch's windows that are old ({SHARE})")
    how = parser.add_argument_group("how, as in train")
    how.add_argument("--epochs", type=whole(1), help="(20)")
    how.add_argument("--learning-rate", type=positive, help="of the first epoch (1e-4)")
    how.add_argument("--batch-size", type=whole(2), help="(by the number of windows)")
    how.add_argument("--freeze", nargs="+", metavar="PREFIX", help="parts that stay as they are: encoder, rescnn …")
    how.add_argument("--seed", type=whole(0), help="of order, augmentation, dropout (0)")
    how.add_argument("--threads", type=whole(1, 4096), help="(all there are)")
    windows = parser.add_argument_group("the windows, as in review")
    windows.add_argument("--filter", metavar="LOW-HIGH", help=f"band-pass in Hz, or none ({BAND})")
    add_stations_option(windows)
    parser.add_argument("--resume", action="store_true", help="go on with what was stopped, with its own options")


def run(options: Namespace) -> int:
    from minieqt.learning import versions

    with versions.alone(options.out):
        settled = versions.settle(options.out)
        if settled:
            print(f"version {settled['version']} had learnt when it was killed: it is entered now", file=sys.stderr)
        stopped = versions.unfinished(options.out)
        if options.resume:
            if stopped is None and settled:
                return 0 if settled["taken"] else WORSE
            if stopped is None:
                raise UserError(f"{options.out} has nothing to resume: leave --resume out")
            refuse_other_options(options, stopped)
            folder = stopped
        else:
            if stopped is not None:
                print(f"{stopped} was stopped, and stays unfinished: --resume would go on with it", file=sys.stderr)
            folder = versions.new_folder(options.out)
        try:
            return learn(options, folder)
        except KeyboardInterrupt:
            begun = versions.unfinished(options.out) == folder
            raise KeyboardInterrupt(f"stopped; {how_to_go_on(options)}" if begun else "stopped") from None


def refuse_other_options(options: Namespace, stopped: Path) -> None:
    """UserError for an option beside --resume, unless it says what the stopped run has."""
    from minieqt.learning import versions
    from minieqt.training import config as configuration

    config = configuration.read(stopped / versions.RUN)
    for name, value in sorted(vars(options).items()):
        unnamed = value is None or value is False or value == []
        if unnamed or name in ("command", "arguments", "out", "resume", "threads"):
            continue
        if name not in OF_THE_RUN or value != getattr(config, name):
            raise UserError(f"--resume goes on with the options that it began with: leave out {option_name(name)}")


def option_name(name: str) -> str:
    """As the user wrote it."""
    return "ARCHIVE" if name == "archive" else "--" + name.replace("_", "-")


def how_to_go_on(options: Namespace) -> str:
    return f"go on with: python -m minieqt learn {quote(str(options.out))} --resume"


def learn(options: Namespace, folder: Path) -> int:
    """Cut the windows, train, compare, keep."""
    from minieqt.learning import versions
    from minieqt.threads import available_threads
    from minieqt.training import config as configuration
    from minieqt.training.run import run as train

    if options.resume:
        config = configuration.read(folder / versions.RUN)
        begun = versions.read_begun(folder)
    else:
        config, begun = prepare(options, folder)
    threads = options.threads or available_threads()
    code = train(config, folder / versions.RUN, resume=options.resume, threads=threads)
    if code:
        print(f"stopped and saved; {how_to_go_on(options)}")
        return code
    return judge(options, folder, config, begun)


def prepare(options: Namespace, folder: Path) -> tuple[Any, dict[str, Any]]:
    """The windows and their parts on the disk; the run's configuration, and what is known of the version's origin."""
    import numpy as np

    from minieqt.data import open_dataset
    from minieqt.data.several import entry_of_rows
    from minieqt.evaluation.report import write_json
    from minieqt.learning import by_the_clock, versions
    from minieqt.learning.by_the_clock import HELD, LEARNT, NEITHER
    from minieqt.training import fine_tuning
    from minieqt.training.config import Config, joined
    from minieqt.training.run import write_split
    from minieqt.weights import open_weights

    if options.share is not None and not options.data:
        raise UserError("--share is the share of old windows: name them with --data")
    weights = open_weights(options.weights or versions.newest_taken(options.out))
    named = weights.name if options.weights and not Path(options.weights).is_file() else str(weights.path.resolve())
    given: dict[str, Any] = {"weights": named, "select": "picks", "split": str(folder / "split")}
    given |= {name: getattr(options, name) for name in OF_THE_RUN if getattr(options, name) is not None}
    given |= {"freeze": " ".join(options.freeze)} if options.freeze else {}
    config = fine_tuning.settings(given)  # refuses weights that cannot be used, before anything is written
    hold_back = hold_back_of(options, weights)
    data = [folder / "training.hdf5", *(options.data or [])]
    paths = joined(data)
    if folder.exists():
        shutil.rmtree(folder)  # of a process that was killed before it began to train: nothing but copies
    folder.mkdir()
    try:
        counts = cut(options, folder)
        with open_dataset(data) as dataset:
            entry = entry_of_rows(dataset, len(data))
            side = by_the_clock.deal(dataset.table, hold_back)
            own, old = np.flatnonzero(entry == 0), np.flatnonzero((entry > 0) & (side == LEARNT))
            parts = by_the_clock.parts_of(dataset.table.take(own), side[own], options.seed or 0)
            training, choosing, held = (own[rows] for rows in parts)
            if options.data:
                config |= shares(options, len(training), np.bincount(entry[old], minlength=len(data))[1:])
            training = np.concatenate([training, old])  # the corrections alone choose the epoch
            (folder / "split").mkdir(exist_ok=True)
            write_split(folder / "split", dataset, (training, choosing, held))
    except (UserError, KeyboardInterrupt):
        shutil.rmtree(folder)  # which has nothing but copies
        raise
    config["data"] = paths
    begun = {
        "parent": weights.name,
        "parent_sha256": config["weights_sha256"],
        "corrections": sum(counts.values()),
        versions.HOLD_BACK: hold_back,
    }
    write_json(folder / versions.BEGUN, begun)
    print(f"{weights.name}: {weights.describe()}")
    numbers = [f"{(side[own] == which).sum()} {what}" for which, what in ((LEARNT, "learnt from"), (HELD, "held back"))]
    near = (side[own] == NEITHER).sum()
    numbers += [f"{near} near both left out"] if near else []
    made = f"{counts['earthquakes']} earthquakes and {counts['noise']} noise windows"
    print(f"corrections: {made}; {', '.join(numbers)}")
    return Config(**config), begun


def hold_back_of(options: Namespace, weights: Any) -> float:
    """How much is held back. UserError if the weights have been trained on a part of it."""
    from minieqt.learning.versions import HOLD_BACK as ATTRIBUTE

    earlier = weights.attributes.get(ATTRIBUTE)
    if earlier is not None and options.hold_back not in (None, float(earlier)):
        raise UserError(
            f"{weights.name} learnt with --hold-back {earlier}: with another one they would be scored on what they "
            "have been trained on; leave --hold-back out"
        )
    chosen = float(earlier) if earlier is not None else HOLD_BACK if options.hold_back is None else options.hold_back
    if chosen == 0:
        raise UserError("--hold-back 0 leaves nothing to score with: hold something back")
    return chosen


def cut(options: Namespace, folder: Path) -> dict[str, int]:
    """training.hdf5 and training.csv; how many earthquakes and noise windows they hold."""
    from minieqt.commands.review import open_records, tell_left_out, tell_unusable
    from minieqt.records.stations import read_coordinates
    from minieqt.review.journal import Journal
    from minieqt.review.state import read_out, reviewed
    from minieqt.review.training_set import write_training_set

    out, journal = read_out(options.out), Journal(options.out)
    if not journal.path.exists():
        raise UserError(f"{options.out} has no corrections: make some with `python -m minieqt review {options.out}`")
    tell_unusable(out, journal, "not learnt from")
    archive, _ = open_records(options, out)
    coordinates, band = read_coordinates(options.stations), parse_filter(options.filter or BAND)
    states = reviewed(out, journal).values()
    counts = write_training_set(folder / "training", states, archive, coordinates, band, options.seed or 0, True)
    tell_left_out(counts)
    return {name: counts[name] for name in ("earthquakes", "noise")}


def shares(options: Namespace, corrections: int, old: Any) -> dict[str, Any]:
    """Of the run: how many windows an epoch has, and what each entry of --data gives. An epoch has every correction.

    corrections, old (entries,): how many there are to train on.
    """
    if not old.all():
        raise UserError("a set of --data has no window left to train on: leave it out, or name a larger one")
    of_old = SHARE if options.share is None else options.share
    if of_old == 0:
        raise UserError("--share 0 is to train on no old window: leave --data out")
    parts = [1 - of_old, *(of_old * old / old.sum())]
    return {"share": " ".join(f"{part:g}" for part in parts), "epoch_windows": round(corrections / (1 - of_old))}


def judge(options: Namespace, folder: Path, config: Any, begun: dict[str, Any]) -> int:
    """Before and after on what was held back; the version is kept, and takes its parent's place or does not."""
    import numpy as np

    from minieqt.data import open_dataset
    from minieqt.data.several import entry_of_rows
    from minieqt.learning import by_the_clock, versions
    from minieqt.learning.before_after import compare, describe, worse
    from minieqt.training.fine_tuning import network
    from minieqt.training.loop import BEST
    from minieqt.weights import native

    before, after = network(config), native.load(folder / versions.RUN / BEST)
    paths = config.data.split(os.pathsep)
    found = []
    with open_dataset(paths) as dataset:
        held = by_the_clock.deal(dataset.table, begun[versions.HOLD_BACK]) == by_the_clock.HELD
        entry = entry_of_rows(dataset, len(paths))
        for what, of in (("held-back corrections", entry == 0), ("held-back old windows", entry > 0)):
            rows = np.flatnonzero(held & of)
            if entry[rows].any():
                rows = np.sort(np.random.default_rng(config.seed).permutation(rows)[:OLD_SCORED])
            if len(rows):
                found.append(compare(what, dataset, rows, before, after, config.seed))
                print(describe(found[-1]))
    why = worse(*found[:2]) if len(found) > 1 else worse(found[0], None)
    report = {"comparisons": [each.report() for each in found], "why_not": why}
    path = versions.keep(folder, begun, why is None, report)
    if why is not None:
        current = options.out / versions.FOLDER / versions.WEIGHTS
        stays = f"{current} stays as it was" if current.exists() else f"{begun['parent']} stay what they were"
        print(f"not taken: {why}; {stays}. What was learnt is kept in {path}", file=sys.stderr)
        return WORSE
    print(f"{path.parent.parent / versions.WEIGHTS} is version {folder.name}, learnt from {begun['parent']}")
    return 0

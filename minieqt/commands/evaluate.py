"""Measure a network on labelled windows: detection, P and S against the analysts, as the EQTransformer paper does.

Prints precision, recall, F1 and residuals at 0.5 s and 0.1 s. With --out DIR, writes report.md, tables (CSV, JSON) and
figures (PNG): confidence intervals, bins by magnitude, distance, SNR and station, threshold sweeps, reliability, and
the published rows beside the measured ones.

  python -m minieqt evaluate runs/001                                       the run's best network, its test split
  python -m minieqt evaluate runs/001 --split validation --json scores.json
  python -m minieqt evaluate --data merged.hdf5 --out evaluation            minieqt's own weights
  python -m minieqt evaluate --data merged.hdf5 --csv merged.csv --weights conservative --out evaluation
  python -m minieqt evaluate --data merged.hdf5 --weights best.h5 --out evaluation --baselines --uncertainty 10

--baselines runs STA/LTA, AIC, Baer, AR, kurtosis and FilterPicker on the very same windows. They are tuned on the run's
training split, or without a run on one half of the events and scored on the other half, and the other way round.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from minieqt.arguments import existing_file, existing_path, share, whole
from minieqt.commands.options import add_device_option, add_weight_options, add_weights_option, weight_options
from minieqt.errors import UserError, counted
from minieqt.inference.peaks import DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD

SPLITS = ("training", "validation", "test")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("network", nargs="?", metavar="RUN_OR_WEIGHTS", help="a run's folder; weights as --weights")
    add_weights_option(parser, "the run's best, minieqt's own")
    parser.add_argument("--data", type=existing_path, nargs="+", metavar="FILE", help="STEAD's HDF5, SeisBench folders")
    parser.add_argument(
        "--csv", type=existing_file, nargs="+", default=[], metavar="FILE", help="their tables (of their names)"
    )
    parser.add_argument("--split", choices=SPLITS, help="which of the run's splits (test)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder that gets tables and figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the network's figures as JSON")
    more = parser.add_argument_group("beside the network (in DIR and in the terminal)")
    more.add_argument("--baselines", action="store_true", help="the classic pickers on the same windows")
    more.add_argument(
        "--seisbench",
        action="append",
        default=[],
        metavar="MODEL=FILE",
        help="a SeisBench model with local weights, such as PhaseNet=instance.pt, if SeisBench is there; repeatable",
    )
    more.add_argument("--uncertainty", type=whole(0), default=0, metavar="N", help="samples of MC dropout (0)")
    more.add_argument("--seed", type=whole(0), default=0, help="of those samples, of the bootstrap (0)")
    parser.add_argument("--batch-size", type=whole(1), default=100, help="windows at a time (100)")
    for name, threshold in (("detection", DETECTION_THRESHOLD), ("p", P_THRESHOLD), ("s", S_THRESHOLD)):
        parser.add_argument(f"--{name}-threshold", type=share, default=threshold, help=f"({threshold})")
    add_device_option(parser)
    add_weight_options(parser)


def run(options: Namespace) -> int:
    from minieqt.evaluation.answer_windows import answer_windows
    from minieqt.evaluation.network_picker import NetworkPicker
    from minieqt.evaluation.report import table, write_json
    from minieqt.evaluation.scores import Contender
    from minieqt.evaluation.study import Study
    from minieqt.evaluation.tuning import halves
    from minieqt.warmup import warm_up
    from minieqt.weights import open_weights

    folder, network_weights = which_network(options)
    dataset, rows, training, what = which_windows(options, folder)
    if options.baselines and training is None:
        halves(dataset.table, rows)  # refuses a single event before the network has answered every window
    weights = open_weights(network_weights, **weight_options(options))
    weights.model.to(options.device)
    thresholds = {"detection": options.detection_threshold, "P": options.p_threshold, "S": options.s_threshold}
    network = NetworkPicker(weights.model, thresholds, samples=options.uncertainty, seed=options.seed)
    others = peers(options.seisbench, thresholds)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
    print(f"{weights.name}: {weights.describe()}")
    warm_up(options.device)
    used, answers, skipped = answer_windows([network, *others], dataset, rows, options.batch_size)
    windows = dataset.table.take(used).to_score()
    kinds = ["network"] + ["SeisBench"] * len(others)
    contenders = [
        Contender(picker.name, kind, answer, thresholds)
        for picker, kind, answer in zip([network, *others], kinds, answers, strict=True)
    ]
    if options.baselines:
        contenders += baselines(options, dataset, used, training)
    notes = [f"{Path(weights.name).name}: {weights.describe()}."]
    if skipped:
        notes.append(f"Left out: {counted(skipped)}.")
    if options.uncertainty:
        notes.append(f"Picks of the mean over {options.uncertainty} samples of Monte-Carlo dropout.")
    report = contenders[0].report(windows)
    print(f"{what}: {report['windows']} windows ({report['earthquakes']} earthquakes)")
    for note in notes[1:] + ([dataset.report()] if dataset.report() else []):
        print(note)
    print(table(report))
    if options.json:
        write_json(options.json, report)
    print_others(contenders, windows)
    if options.out:
        Study(what, windows, contenders, notes, options.seed).write(options.out)
        print(f"tables and figures: {options.out / 'report.md'}")
    dataset.close()
    return 0


def which_network(options: Namespace) -> tuple[Path | None, Path | str | None]:
    """(the run's folder or None, its weights as `open_weights` takes them). UserError if too much is named."""
    from minieqt.training.loop import BEST

    folder = Path(options.network) if options.network and Path(options.network).is_dir() else None
    if options.network and options.weights and not folder:
        raise UserError(f"{options.network} and --weights {options.weights}: name one weight file")
    if folder and options.weights and options.data:
        raise UserError(f"nothing of {folder} is used beside --weights and --data: leave one of the three out")
    return folder, options.weights or (folder / BEST if folder else options.network)


def which_windows(options: Namespace, folder: Path | None) -> tuple[Any, Any, Any, str]:
    """(data set, rows to score, rows to tune baselines on or None, what they are). UserError if none are named."""
    import numpy as np

    from minieqt.data import open_dataset
    from minieqt.training import config
    from minieqt.training.run import check_split, open_data

    if options.csv and not options.data:
        raise UserError("--csv is the table that belongs to --data: give both, or neither")
    if options.data:
        if options.split is not None:
            raise UserError("--split names one of the run's own splits: leave it out, or --data")
        dataset = open_dataset(options.data, options.csv)
        return dataset, np.arange(len(dataset)), None, ", ".join(path.name for path in options.data)
    if folder is None:
        named = options.network or options.weights
        raise UserError(f"{f'{named} is no run: ' if named else ''}name a run's folder, or give --data")
    name = options.split or "test"
    dataset, parts, _ = open_data(config.read(folder))
    check_split(folder, dataset, parts)
    training = parts[0] if name != "training" else None
    return dataset, parts[SPLITS.index(name)], training, f"the {name} split of {folder}"


def peers(named: list[str], thresholds: dict[str, float]) -> list[Any]:
    """SeisBench's models, MODEL=FILE each."""
    if not named:
        return []
    from minieqt.evaluation.peers import SeisBenchModel

    return [SeisBenchModel(text, thresholds) for text in named]


def baselines(options: Namespace, dataset: Any, rows: Any, training: Any) -> list[Any]:
    """The classics on the rows, tuned on others."""
    from minieqt.evaluation.scores import Contender
    from minieqt.evaluation.tuning import halves, tuned_baselines

    jobs = [(training, rows)] if training is not None else halves(dataset.table, rows)
    zero = dict.fromkeys(("detection", "P", "S"), 0.0)
    tuned = tuned_baselines(dataset, jobs, options.batch_size, seed=options.seed)
    return [Contender(each.name, "baseline", each.answers, zero, each.how) for each in tuned]


def print_others(contenders: list[Any], windows: Any) -> None:
    """A line an output for every contender but the first, as `report.table` prints the first."""
    from minieqt.evaluation.report import HEADER, KEYS, cell

    if len(contenders) == 1:
        return
    print("\n" + f"{'on the same windows':<48}" + "".join(f"{title:>11}" for title in HEADER))
    for contender in contenders[1:]:
        report = contender.report(windows)
        for output in contender.answers.heights:
            row = report[output] if output == "detection" else report[output]["within_0.5_s"]
            name = f"{contender.name}: {output}" + ("" if output == "detection" else " within 0.5 s")
            print((f"{name:<48}" + "".join(f"{cell(row.get(key)):>11}" for key in KEYS)).rstrip())

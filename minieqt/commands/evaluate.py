"""Score a trained network: detection, P and S against the analysts, as precision, recall, F1 and residuals.

  python -m minieqt evaluate runs/001                                          the run's best network, its test split
  python -m minieqt evaluate runs/001 --split validation --json scores.json
  python -m minieqt evaluate best.h5 --data merged.hdf5                        every window of a data set
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from minieqt.arguments import existing_file, existing_path, share, whole
from minieqt.errors import UserError
from minieqt.picking.peaks import DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD

SPLITS = ("training", "validation", "test")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("network", type=Path, metavar="RUN_OR_WEIGHTS", help="a run's folder, or a weight file")
    parser.add_argument("--data", type=existing_path, metavar="FILE.hdf5", help="other data: STEAD, a SeisBench folder")
    parser.add_argument("--csv", type=existing_file, metavar="FILE.csv", help="its table (of the same name, beside it)")
    parser.add_argument("--split", choices=SPLITS, help="which of the run's splits (test)")
    parser.add_argument("--batch-size", type=whole(1), default=100, help="windows at a time (100)")
    for name, threshold in (("detection", DETECTION_THRESHOLD), ("p", P_THRESHOLD), ("s", S_THRESHOLD)):
        parser.add_argument(f"--{name}-threshold", type=share, default=threshold, help=f"({threshold})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")


def run(options: Namespace) -> int:
    import numpy as np

    from minieqt.data import Loader, open_dataset
    from minieqt.evaluation.evaluate import evaluate
    from minieqt.evaluation.metrics import Evaluation
    from minieqt.evaluation.report import table, write_json
    from minieqt.training import config
    from minieqt.training.loop import BEST
    from minieqt.training.run import open_data
    from minieqt.weights import native

    folder = options.network if options.network.is_dir() else None
    if options.data is None and options.csv is not None:
        raise UserError("--csv is the table that belongs to --data: give both, or neither")
    if options.data is not None:
        if options.split is not None:
            raise UserError("--split names one of the run's own splits: leave it out, or --data")
        dataset = open_dataset(options.data, options.csv or ())
        rows, what = np.arange(len(dataset)), str(options.data)
    elif folder is not None:
        name = options.split or "test"
        dataset, parts = open_data(config.read(folder))
        rows, what = parts[SPLITS.index(name)], f"the {name} split of {folder}"
    else:
        raise UserError(f"{options.network} is no run: name a run's folder, or give --data")
    model = native.load(folder / BEST if folder else options.network)
    evaluation = Evaluation(options.detection_threshold, options.p_threshold, options.s_threshold)
    loader = Loader(dataset, rows, options.batch_size, shuffle=False)
    report = evaluate(model, loader, dataset.table, evaluation).report()
    print(f"{what}: {report['windows']} windows ({report['earthquakes']} earthquakes)")
    if loader.report():
        print(f"left out: {loader.report()}")
    print(table(report))
    if options.json:
        write_json(options.json, report)
    return 0

"""The package's own weights, from nothing: windows, one training, thresholds, a report.

  python recipes/own_weights.py --real FOLDER                    everything, into runs/own-weights
  python recipes/own_weights.py --real FOLDER --without Korea    the same without a region, which is then the test;
                                                                 "last" is the network with the published thresholds
  python recipes/own_weights.py --real FOLDER --synthetic 2000 --epochs 2    a trial of a few minutes

FOLDER holds the real sets that recipes/real_windows.py names. Every step leaves its result in the output folder and is
not done again; a training that was stopped goes on where it was. The network is trained by train.py alone; the last
epoch counts, when the rate has come down to zero, as the loss of a hundred validation windows is too coarse to choose
by. Their picks choose the thresholds. These then move into the biases of the last convolutions: 0.3 of detection and
0.1 of P and S are what the weights mean by "probable enough". Test windows choose nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from minieqt.arguments import Parser, existing_file, existing_path, guarded, whole  # noqa: E402
from minieqt.data import open_dataset  # noqa: E402
from minieqt.data.split import PARTS, given_split  # noqa: E402
from minieqt.errors import UserError  # noqa: E402
from minieqt.evaluation.answer_windows import answer_windows  # noqa: E402
from minieqt.evaluation.network_picker import NetworkPicker  # noqa: E402
from minieqt.evaluation.sweep import sweep  # noqa: E402
from minieqt.files import write_text  # noqa: E402
from minieqt.inference.peaks import THRESHOLDS  # noqa: E402
from minieqt.weights import load_weights, native  # noqa: E402
from recipes.real_windows import SETS, find_sets, gather  # noqa: E402
from recipes.report import write_report  # noqa: E402

NOISE = "0.4"  # of the synthetic windows: real noise is scarce, and no two stations have the same
EPOCH = 6_000  # windows, half of them synthetic
SHARES = ("5", "4", "1")  # of them: synthetic, real, and what lies before real earthquakes
FLAT = {"detection": 0.05, "P": 0.02, "S": 0.02}  # of F1
AUGMENTATION = (
    "real_noise=0.45 other_event=0.4 second_event=0.2 noise=0.15 drop_channels=0.25 gap=0.2 earthquake_gap=0.1 "
    "stretch=0.6 rotate=0.5 flip=0.5"
)


def arguments(given: list[str] | None) -> Namespace:
    parser = Parser("own_weights.py", description=__doc__)
    add = parser.add_argument
    add("--real", type=existing_path, required=True, metavar="FOLDER", help="the real sets")
    regions = ", ".join(dict.fromkeys(region for real in SETS for region in real.regions))
    add("--without", nargs="+", default=[], metavar="REGION", help=f"train without, test on: {regions}")
    add("--beside", type=existing_file, nargs="+", default=[], metavar="FILE", help="other networks for the report")
    add("--out", type=Path, default=Path("runs/own-weights"), metavar="DIR", help="(runs/own-weights)")
    add("--synthetic", type=whole(200), default=200_000, metavar="N", help="synthetic windows (200,000: 15 GB)")
    add("--epochs", type=whole(1), default=200, help=f"of {EPOCH:,} windows each (200)")
    add("--threads", type=whole(1, 4096), help="of the training (all there are)")
    add("--seed", type=whole(0), default=0, help="(0)")
    options = parser.parse_args(given)
    unknown = set(options.without) - {region for real in SETS for region in real.regions}
    if unknown:
        raise UserError(f"no real set is of {', '.join(sorted(unknown))}: see --help")
    return options


def main(given: list[str] | None = None) -> int:
    options = arguments(given)
    sets = find_sets(options.real)
    out = options.out = options.out.absolute()  # train.py runs in the repository's root
    out.mkdir(parents=True, exist_ok=True)
    same_options(out / "options.json", options)
    real = out / "real"
    if not (real / "test.txt").exists():
        for part, counts in gather(options.real, sets, real, options.seed, options.without).items():
            print(f"{part}: {sum(counts.values())} real windows: {counts}", flush=True)
    synthesise(out, options)
    train(out, options)
    weights, trained = out / "own.h5", out / "training" / "last.h5"
    if not weights.exists():
        calibrate(trained, real, weights)
    # Where regions are left out, the published thresholds stand beside: do those chosen elsewhere carry over?
    print(write_report(weights, [*options.beside, *([trained] if options.without else [])], real, out / "report"))
    return 0


def same_options(path: Path, options: Namespace) -> None:
    """UserError if the folder was begun with options that make other weights: its results would be taken for these."""
    told = json.dumps(
        {name: getattr(options, name) for name in ("synthetic", "epochs", "seed")}
        | {"real": str(options.real.absolute()), "without": sorted(options.without)}
    )
    if path.exists() and path.read_text(encoding="utf-8") != told:
        raise UserError(f"{path.parent} was begun with other options, {path.name} says which: give another --out")
    write_text(path, told)


def synthesise(out: Path, options: Namespace) -> None:
    """The synthetic windows, on the background of the training split's real noise; and the split of all windows."""
    if not (out / "synthetic.csv").exists():
        run(
            "-m", "minieqt", "synth", "--out", str(out / "synthetic"), "--count", str(options.synthetic), "--overwrite",
            "--seed", str(options.seed), "--noise", str(out / "real" / "noise.hdf5"), str(out / "real" / "quiet.hdf5"),
            "--noise-fraction", NOISE,
        )  # fmt: skip
    split = out / "split"
    split.mkdir(exist_ok=True)
    for part in PARTS:
        names = (out / "real" / f"{part}.txt").read_text(encoding="utf-8")
        if part == "training":
            with open_dataset([out / "synthetic.hdf5", out / "real" / "quiet.hdf5"]) as dataset:
                names += "".join(f"{name}\n" for name in dataset.table.name.tolist())
        write_text(split / f"{part}.txt", names)


def train(out: Path, options: Namespace) -> None:
    """The training, begun or gone on with."""
    folder = out / "training"
    if (folder / "metrics.json").exists():
        return
    if (folder / "config.json").exists():
        run("train.py", "--out", str(folder), "--resume", *threads(options))
        return
    run(
        "train.py", "--data", str(out / "synthetic.hdf5"), str(out / "real" / "windows.hdf5"),
        str(out / "real" / "quiet.hdf5"), "--share", *SHARES, "--split", str(out / "split"), "--epoch-windows", str(EPOCH), "--epochs", str(options.epochs),
        "--patience", str(options.epochs), "--batch-size", "32", "--learning-rate", "1e-3", "--schedule", "cosine",
        "--augment", *AUGMENTATION.split(), "--copies", "augmented", "--seed", str(options.seed), "--out", str(folder),
        *threads(options),
    )  # fmt: skip


def threads(options: Namespace) -> list[str]:
    return ["--threads", str(options.threads)] if options.threads else []


def run(*command: str) -> None:
    """A program of this checkout, in a process of its own. UserError if it fails; it has said why."""
    code = subprocess.run([sys.executable, *command], cwd=ROOT).returncode
    if code:
        raise UserError(f"{command[0]} ended with {code}: the same command goes on from there")


def calibrate(trained: Path, real: Path, weights: Path) -> None:
    """Move each output's threshold on the validation windows to the published one, by the last bias.

    It is the lowest whose F1 lies within FLAT of the best: over a hundred windows the curve is flat, its highest point
    is chance, and a pick that was missed is lost while a false one may still be thrown away. A detection that was
    missed takes its P and S along, and one too many without them is no pick: its threshold may be lower.
    """
    model = load_weights(trained)
    with open_dataset(real / "windows.hdf5") as dataset:
        rows = given_split(dataset.table, real)[PARTS.index("validation")]
        used, (answers,), _ = answer_windows([NetworkPicker(model, THRESHOLDS)], dataset, rows)
        table = dataset.table.take(used)
    heads = (model.detection, model.p.decoder, model.s.decoder)
    for (output, threshold), decoder in zip(THRESHOLDS.items(), heads, strict=True):
        found = sweep(answers, table, output, 0.5)
        if not found.right.any():
            print(f"{output}: nothing right among the validation windows to choose by, {threshold} stays as trained")
            continue
        best = np.nanmax(found.f1)
        lowest = float(found.threshold[found.f1 >= best - FLAT[output]].min())
        decoder.head.b += np.float32(logit(threshold) - logit(lowest))
        flat = f"within {FLAT[output]} of its best, {best:.3f}"
        print(f"{output}: from {lowest:.3f} on, F1 is {flat}; that is now {threshold}")
    native.save(weights, model)


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


if __name__ == "__main__":
    sys.exit(guarded("own_weights.py", main))

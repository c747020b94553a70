"""What fine-tuning is worth: trained weights before and after it, on earthquakes that they were not trained on.

    python benchmarks/fine_tuning.py DATA.hdf5 [DATA.hdf5 …] --weights WEIGHTS    prints the table, draws the curve
    python benchmarks/fine_tuning.py DATA.hdf5 --weights WEIGHTS --seeds 2 --sizes 25 --epochs 5      a quick look

The data sets (each with its table beside it) are trained on together and scored one by one. Their events are divided
into as many parts as there are seeds. Run k has seed k, holds part k out and divides the rest into training and
validation, which chooses the epoch; so no earthquake is on two sides, and each is held out once. Of the training
events the first 25, 50, 100 (--sizes) and all are trained on, with noise windows in proportion, by train.py as a user
would call it.

Scores are those of picks within 0.5 s at the default thresholds, over the held-out windows of all runs. The interval
is that of the difference to the weights as they were: the earthquakes are drawn again with replacement (95 %), the
same ones before and after.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe

from minieqt.arguments import whole
from minieqt.data import open_dataset
from minieqt.data.split import PARTS, split
from minieqt.data.table import TraceTable
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.answers import Answers
from minieqt.evaluation.bootstrap import CONFIDENCE, f1_differences, measures, quantiles
from minieqt.evaluation.network_picker import NetworkPicker
from minieqt.evaluation.report import grid
from minieqt.evaluation.sweep import outcomes
from minieqt.inference.peaks import THRESHOLDS
from minieqt.weights import load_weights

ROOT = Path(__file__).resolve().parents[1]
FIGURE = ROOT / "docs" / "figures" / "fine_tuning.png"
TOLERANCE = 0.5  # seconds
VALIDATION = 0.15  # of what is not held out

Array = Any
Counts = dict[str, Array]  # {phase: (windows, 3)}: right, wrong, missed


def deal(table: TraceTable, parts: int) -> Array:
    """(N,): which part each window is held out in. Events stay together."""
    part = np.empty(len(table), int)
    rest = np.arange(len(table))
    for number in range(parts - 1):
        share = 1 / (parts - number)
        others, _, held = split(table.take(rest), fractions=(1 - share, 0.0, share))
        part[rest[held]], rest = number, rest[others]
    part[rest] = parts - 1
    return part


def first_events(table: TraceTable, rows: Array, count: int | None, seed: int) -> Array:
    """Of `rows` the windows of `count` events in the seed's order and as large a share of the noise; None: all."""
    rng = np.random.default_rng(seed)
    quake = table.earthquake[rows]
    events = rng.permutation(np.unique(table.event[rows[quake]]))
    noise = rng.permutation(rows[~quake])
    if count is None or count >= len(events):
        return rows
    chosen = rows[quake][np.isin(table.event[rows[quake]], events[:count])]
    return np.sort(np.concatenate([chosen, noise[: round(len(noise) * count / len(events))]]))


def write_lists(folder: Path, table: TraceTable, parts: tuple[Array, Array, Array]) -> None:
    """The split as `train.py --split` reads it."""
    folder.mkdir(parents=True)
    for name, rows in zip(PARTS, parts, strict=True):
        (folder / f"{name}.txt").write_text("\n".join(table.name[rows].tolist()) + "\n", encoding="utf-8")


def answers(weights: str | Path, dataset: Any, rows: Array) -> Answers:
    """The network's answers on the windows."""
    used, (found,), _ = answer_windows([NetworkPicker(load_weights(weights), THRESHOLDS)], dataset, rows)
    if len(used) < len(rows):
        raise SystemExit(f"{len(rows) - len(used)} of the windows cannot be read: leave them out of the data")
    return found


def counts(found: Answers, table: TraceTable) -> Counts:
    """Right, wrong and missed picks of every window."""
    return {phase: outcomes(found, table, phase, THRESHOLDS[phase], TOLERANCE).counts() for phase in "PS"}


def gain(before: Array, after: Array, events: Array) -> tuple[float, float, float]:
    """F1 of `after` minus that of `before`, each (windows, 3), and its interval over the events (windows,)."""
    difference = f1_differences(before, after, events)
    low, high = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    return float(difference[0]), *quantiles(difference[1:], low, high)


def train(data: list[Path], options: argparse.Namespace, lists: Path, out: Path, seed: int, frozen: list[str]) -> Path:
    """Fine-tune, as a user would; returns the best weights."""
    command = [sys.executable, str(ROOT / "train.py"), "--data", *map(str, data), "--split", str(lists)]
    command += ["--weights", options.weights, "--select", "picks", "--epochs", str(options.epochs)]
    command += ["--seed", str(seed), "--out", str(out)]
    command += ["--freeze", *frozen] if frozen else []
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)}\n{ran.stdout}")
    return out / "best.h5"


def study(options: argparse.Namespace, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of the table, and what was trained on in each run."""
    dataset = open_dataset(options.data)
    table = dataset.table
    source = dataset.part if len(options.data) > 1 else np.zeros(len(table), int)
    held = deal(table, options.seeds)
    before = counts(answers(options.weights, dataset, np.arange(len(table))), table)
    after: dict[str, Counts] = {}
    notes = []
    for seed in range(options.seeds):
        rest, aside = np.flatnonzero(held != seed), np.flatnonzero(held == seed)
        training, validation, _ = split(table.take(rest), fractions=(1 - VALIDATION, VALIDATION, 0.0), seed=seed)
        training, validation = rest[training], rest[validation]
        events = len(np.unique(table.event[training[table.earthquake[training]]]))
        notes.append(f"run {seed}: {events} earthquakes to train on, {len(validation)} windows of validation, ")
        notes[-1] += f"{len(aside)} held out"
        arms: list[tuple[str, int | None, list[str]]] = [(f"{n}", n, []) for n in options.sizes if n < events]
        arms += [("all", None, [])]
        arms += [(f"all, {text} frozen", None, text.split()) for text in options.freeze]
        for name, count, frozen in arms:
            rows = first_events(table, training, count, seed)
            place = folder / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
            write_lists(place / "lists", table, (rows, validation, aside))
            best = train(options.data, options, place / "lists", place / "run", seed, frozen)
            found = counts(answers(best, dataset, aside), table.take(aside))
            kept = after.setdefault(name, {phase: np.full_like(before[phase], np.nan) for phase in "PS"})
            for phase in "PS":
                kept[phase][aside] = found[phase]
            print(f"seed {seed}, {name}: trained on {len(rows)} windows", flush=True)
    results = []
    for number, path in enumerate(options.data):
        for name, scored in {"0": before, **after}.items():
            here = (source == number) & np.isfinite(scored["P"]).all(axis=1)
            row = {"set": path.stem, "earthquakes": name, "windows": int(here.sum())}
            for phase in "PS":
                right, wrong, missed = scored[phase][here].sum(axis=0)
                row[f"{phase} found"] = f"{right:.0f} of {right + missed:.0f}"
                row[f"{phase} wrong"] = int(wrong)
                row[f"{phase} F1"] = float(measures(right, wrong, missed)["f1"])
                row[f"{phase} gain"] = gain(before[phase][here], scored[phase][here], table.event[here])
            results.append(row)
    return results, notes


def text_of(rows: list[dict[str, Any]]) -> str:
    """The table."""
    header = ["set", "trained on", "windows"]
    for phase in "PS":
        header += [f"{phase} found", "wrong", "F1", "gain (95 %)"]
    lines = []
    for row in rows:
        line = [row["set"], row["earthquakes"], str(row["windows"])]
        for phase in "PS":
            gained, low, high = row[f"{phase} gain"]
            change = "" if row["earthquakes"] == "0" else f"{gained:+.2f} ({low:+.2f} to {high:+.2f})"
            line += [row[f"{phase} found"], str(row[f"{phase} wrong"]), f"{row[f'{phase} F1']:.2f}", change]
        lines.append(line)
    return grid(header, lines)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """F1 against the number of earthquakes trained on; the bars are the intervals of the gain."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in rows if "frozen" not in row["earthquakes"]]
    names = list(dict.fromkeys(row["earthquakes"] for row in rows))
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
    for axis, phase in zip(axes, "PS", strict=True):
        for number, name in enumerate(dict.fromkeys(row["set"] for row in rows)):
            here = [row for row in rows if row["set"] == name]
            at = np.array([names.index(row["earthquakes"]) for row in here]) + 0.06 * number
            height = np.array([row[f"{phase} F1"] for row in here])
            gained, low, high = np.array([row[f"{phase} gain"] for row in here]).T
            bars = np.maximum([gained - low, high - gained], 0)
            axis.errorbar(at, height, bars, marker="o", capsize=3, label=name)
        axis.set_xticks(range(len(names)), names)
        axis.set_xlabel("earthquakes trained on")
        axis.set_title(phase)
    axes[0].set_ylabel("F1 within 0.5 s, held-out events")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--weights", required=True, metavar="FILE|NAME", help="what fine-tuning begins with")
    parser.add_argument("--sizes", type=whole(1), nargs="*", default=[25, 50, 100], metavar="N", help="besides all")
    parser.add_argument("--seeds", type=whole(2), default=5, help="runs, and parts that the events are dealt into (5)")
    parser.add_argument("--epochs", type=whole(1), default=20, help="of each run (20)")
    parser.add_argument("--freeze", nargs="*", default=[], metavar="'PREFIX …'", help="also with these parts frozen")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    options = parser.parse_args()
    print(describe("numpy", "numba"), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows, notes = study(options, Path(folder))
    print("\n".join(notes) + "\n\n" + text_of(rows), end="")
    plot(rows, options.figure)


if __name__ == "__main__":
    main()

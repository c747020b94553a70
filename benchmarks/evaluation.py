"""How well a network picks labelled windows, with the classic pickers beside it on the very same windows.

    python benchmarks/evaluation.py WEIGHTS DATA.hdf5 [DATA.hdf5 …]     about a minute; benchmarks/results/evaluation.md
    python benchmarks/evaluation.py WEIGHTS DATA.hdf5 --memory 100000   and how much memory this many windows take

Every DATA (with its table beside it) is scored by itself: precision, recall, F1 with its 95 % confidence interval, and
mean absolute error of the right picks. Baselines are tuned on one half of the events and scored on the other, and the
other way round. --seisbench MODEL=FILE adds a SeisBench model with local weights. For the memory, windows of the first
DATA are picked over and over in processes of their own, 1,000 of them and then as many as asked for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe, peak_mib

from minieqt.data import open_dataset
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.network_picker import NetworkPicker
from minieqt.evaluation.peers import SeisBenchModel
from minieqt.evaluation.report import cell, grid
from minieqt.evaluation.scores import Contender, scores
from minieqt.evaluation.tuning import halves, tuned_baselines
from minieqt.inference.peaks import THRESHOLDS
from minieqt.warmup import warm_up
from minieqt.weights import load_weights

RESULTS = Path(__file__).parent / "results" / "evaluation.md"
ZERO = dict.fromkeys(THRESHOLDS, 0.0)


def contenders(weights: Path, data: Path, peers: list[str]) -> tuple[list[Contender], Any]:
    """All contenders with their answers, and the table of the windows."""
    network = NetworkPicker(load_weights(weights), THRESHOLDS, weights.stem)
    others = [SeisBenchModel(text, THRESHOLDS) for text in peers]
    with open_dataset(data) as dataset:
        rows, answers, _ = answer_windows([network, *others], dataset, np.arange(len(dataset)))
        tuned = tuned_baselines(dataset, halves(dataset.table, rows))
        found = [Contender(p.name, "network", a, THRESHOLDS) for p, a in zip([network, *others], answers, strict=True)]
        return found + [Contender(t.name, "baseline", t.answers, ZERO, t.how) for t in tuned], dataset.table.take(rows)


def table(found: list[Contender], windows: Any) -> str:
    """One line per contender: what it detects and picks within 0.5 s."""
    lines = []
    for contender in found:
        rows = {row["output"]: row for row in scores(contender, windows) if row["tolerance_s"] in (None, 0.5)}
        line = [f"**{contender.name}**" if contender is found[0] else contender.name]
        for output in THRESHOLDS:
            row = rows.get(output)
            if row is None:
                line += ["", "", ""] + ([""] if output != "detection" else [])
                continue
            interval = f"{row['f1_low']:.2f} to {row['f1_high']:.2f}"
            line += [cell(row["precision"]), cell(row["recall"]), f"{cell(row['f1'])} ({interval})"]
            line += [cell(row["mae_s"])] if output != "detection" else []
        lines.append(line)
    header = ["", *("detection: precision", "recall", "F1")]
    for phase in "PS":
        header += [f"{phase}: precision", "recall", "F1", "MAE (s)"]
    return grid(header, lines)


def measure_memory(weights: Path, data: Path, count: int) -> float:
    """Peak MiB of picking `count` windows, in a process of its own."""
    command = [sys.executable, __file__, str(weights), str(data), "--answer", str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def answer_so_many(weights: Path, data: Path, count: int) -> None:
    """Print this process's peak MiB."""
    network = NetworkPicker(load_weights(weights), THRESHOLDS)
    with open_dataset(data) as dataset:
        answer_windows([network], dataset, np.arange(count) % len(dataset))
    print(peak_mib())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--seisbench", action="append", default=[], metavar="MODEL=FILE")
    parser.add_argument("--memory", type=int, metavar="WINDOWS")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--answer", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        answer_so_many(options.weights, options.data[0], options.answer)
        return
    warm_up()
    parts = [describe("numpy", "numba", "scipy", "obspy", *(["seisbench"] if options.seisbench else [])) + "\n"]
    for data in options.data:
        found, windows = contenders(options.weights, data, options.seisbench)
        earthquakes = int(windows.earthquake.sum())
        parts.append(f"{data.name}: {len(windows)} windows, {earthquakes} of them earthquakes; picks within 0.5 s\n")
        parts.append(table(found, windows))
        parts.append(grid(["", "tuned to"], [[c.name, c.how] for c in found if c.how]).replace("---:", "---"))
    if options.memory:
        lines = []
        for count in (1000, options.memory):
            lines.append([f"{count:,} windows", f"{measure_memory(options.weights, options.data[0], count):.0f}"])
        parts.append(grid(["", "peak memory (MiB)"], lines))
    text = "\n".join(parts)
    print(text, end="")
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""The README's window: a network's answer on an earthquake of its test split, the middle one by signal-to-noise ratio.

    python benchmarks/window.py runs/001 data/synthetic5-1000-seed0.hdf5     after `make train`; docs/figures/window.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from minieqt.arguments import existing_file, existing_path, guarded
from minieqt.data import open_dataset
from minieqt.data.normalise import normalise
from minieqt.errors import UserError
from minieqt.inference.peaks import P_THRESHOLD, S_THRESHOLD, highest_peak
from minieqt.plots import plot_window, save_figure
from minieqt.training.loop import BEST
from minieqt.warmup import warm_up
from minieqt.weights import load_weights

FIGURE = Path(__file__).resolve().parents[1] / "docs" / "figures" / "window.png"


def draw(run: Path, data: Path, out: Path) -> str:
    """Draw the window; returns its trace's name. UserError if the data set has no earthquake of the split."""
    names = set((run / "test.txt").read_text(encoding="utf-8").split())
    model = load_weights(run / BEST).eval()
    with open_dataset(data) as dataset:
        table = dataset.table
        rows = [row for row in np.flatnonzero(table.earthquake) if table.name[row] in names]
        if not rows:
            raise UserError(f"{data} has no earthquake of the test split of {run}")
        row = sorted(rows, key=lambda row: table.snr_db[row].mean())[len(rows) // 2]
        x = dataset.read(row)
        detection, p, s = (output[0] for output in model.forward(normalise(x[None], model.config["normalisation"])))
    found = {"P": highest_peak(p, P_THRESHOLD), "S": highest_peak(s, S_THRESHOLD)}
    picks = {phase: peak[0] for phase, peak in found.items() if peak}
    analyst = {"P": table.p_sample[row], "S": table.s_sample[row]}
    name = str(table.name[row])
    save_figure(plot_window(x, (detection, p, s), analyst, picks, f"{name}, of the test split"), out)
    return name


def main() -> int:
    """Draw the window and print its name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=existing_path, help="the folder of a training run")
    parser.add_argument("data", type=existing_file, help="what it was trained on")
    parser.add_argument("--out", type=Path, default=FIGURE, help=f"({FIGURE})")
    options = parser.parse_args()
    warm_up()
    print(f"{draw(options.run, options.data, options.out)}: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/window.py", main))

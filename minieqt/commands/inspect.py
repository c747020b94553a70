"""Say what a data set holds: counts by category, magnitude, distance, S − P and SNR, and traces that look wrong.

  python -m minieqt inspect merged.hdf5                       and merged.csv beside it
  python -m minieqt inspect merged.hdf5 --figures figures     histograms, a map, windows before and after augmentation
  python -m minieqt inspect DIR                               a data set in SeisBench's layout
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from minieqt.arguments import whole


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="FILE.hdf5", help="STEAD waveforms, or a SeisBench folder")
    parser.add_argument("csv", type=Path, nargs="?", metavar="FILE.csv", help="their table (of the same name, beside)")
    parser.add_argument("--look-at", type=whole(0), default=2000, help="how many waveforms, at most, to look at (2000)")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw histograms.png, map.png, windows.png there")


def run(options: Namespace) -> int:
    import numpy as np

    from minieqt.data import open_dataset
    from minieqt.data.inspect import summary, suspicious

    with open_dataset(options.data, options.csv or ()) as dataset:
        print(summary(dataset))
        chosen = np.random.default_rng(0).permutation(len(dataset))[: options.look_at]
        found = suspicious(dataset, np.sort(chosen))
        print(f"looked at {len(chosen):,} waveforms" + ("" if found else ": none is suspicious"))
        for reason, names in sorted(found.items()):
            print(f"{reason}: {len(names):,} (first {names[0]})")
        if options.figures:
            _draw(dataset, options.figures)
    return 0


def _draw(dataset: Any, folder: Path) -> None:
    from minieqt.data.figures import draw_histograms, draw_map, draw_windows
    from minieqt.plots import save_figure

    folder.mkdir(parents=True, exist_ok=True)
    drawings = {"histograms": draw_histograms(dataset), "map": draw_map(dataset), "windows": draw_windows(dataset)}
    for name, figure in drawings.items():
        if figure is None:
            (folder / f"{name}.png").unlink(missing_ok=True)  # of another data set
            print(f"no {name}: the table has no coordinates")
        else:
            save_figure(figure, folder / f"{name}.png")
            print(folder / f"{name}.png")

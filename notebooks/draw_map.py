"""Draw the map of the course: the network and what surrounds it, as built, and where each chapter stands in it.

  python notebooks/draw_map.py     docs/figures/architecture.png, and notebooks/map/NN.png for the head of each chapter

Widths, lengths and parameters are read from the network itself.
"""

from __future__ import annotations

import io
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this very checkout, before what is installed

import numpy as np

from minieqt import EQTransformer, backend
from minieqt.files import atomic_write
from minieqt.plots import BLACK, BLUE, ORANGE, new_figure

FOLDER = Path(__file__).resolve().parent / "map"
COLOURS = 32  # of a file: a sixth of the bytes of full colour
WHOLE = FOLDER.parents[1] / "docs" / "figures" / "architecture.png"

Array = Any


class Box(NamedTuple):
    """A part of the map: its name, what is said below, its centre, its size, and the chapters that teach it."""

    name: str
    below: str
    centre: tuple[float, float]
    size: tuple[float, float]
    chapters: tuple[str, ...]


def network_boxes() -> list[Box]:
    """The network's parts from left to right, then its three branches, one above the other."""
    model = EQTransformer().eval()
    x = np.zeros((1, 3, model.length), np.float32)
    trunk = (
        ("encoder\n7 × conv, pool", model.encoder, ("02", "03", "11", "16")),
        ("ResCNN\n7 residual blocks", model.rescnn, ("04", "05")),
        (f"BiLSTM\n× {model.config['lstm_blocks']}", model.bilstm, ("06",)),
        *((f"transformer\n{n}", part, ("07",)) for n, part in enumerate(model.transformers, 1)),
    )
    boxes = [Box("record\nE, N, Z", shape_of(x), (0.6, 3.0), (1.0, 1.1), ("00", "10", "14"))]
    with backend.using("readable"):
        for n, (name, part, chapters) in enumerate(trunk):
            x = part.forward(x)
            below = f"{shape_of(x)}\n{part.count_parameters()[0]:,}"
            boxes.append(Box(name, below, (2.05 + 1.5 * n, 3.0), (1.25, 1.1), chapters))
    inner = {"detection": "decoder", "P": "LSTM, attention,\ndecoder", "S": "LSTM, attention,\ndecoder"}
    for (name, inside), part, y in zip(inner.items(), model.branches(), (4.3, 3.0, 1.7), strict=True):
        chapters = ("02", "03", "11") if name == "detection" else ("02", "03", "06", "07", "11", "16")
        boxes.append(Box(f"{name}\n{inside}", f"{part.count_parameters()[0]:,}", (9.9, y), (1.6, 0.75), chapters))
    boxes.append(Box("probabilities", f"3 × {model.length}", (12.0, 3.0), (1.3, 1.1), ("00", "13", "14")))
    return boxes


def shape_of(x: Array) -> str:
    """ "channels × samples" of a batch (1, C, T)."""
    return f"{x.shape[1]} × {x.shape[2]}"


AROUND = (
    ("augmentation\nloader", ("10",)),
    ("loss", ("08",)),
    ("backpropagation", ("01",)),
    ("Adam, schedule\ntraining loop", ("09", "13")),
    ("kernels\nNumba, CUDA", ("11", "15", "16")),
    ("ring of\nprocesses", ("12", "16")),
    ("picks, scores", ("13", "16")),
    ("continuous\nrecords", ("14", "16")),
)


def boxes() -> list[Box]:
    """All parts of the map."""
    step = 12.6 / len(AROUND)
    around = [
        Box(name, "", (0.1 + step * (n + 0.5), 0.45), (step - 0.12, 0.7), chapters)
        for n, (name, chapters) in enumerate(AROUND)
    ]
    return network_boxes() + around


def draw(parts: list[Box], here: str | None = None) -> Any:
    """The map; the parts that chapter `here` is about are filled. The whole network is chapter 08's."""
    from matplotlib.patches import FancyBboxPatch

    figure = new_figure(figsize=(11, 4.4))
    axes = figure.subplots()
    axes.set(xlim=(0, 12.8), ylim=(-0.05, 5.05))
    axes.set_axis_off()
    for part in parts:
        (x, y), (width, height) = part.centre, part.size
        filled = here in part.chapters
        style = {"facecolor": ORANGE if filled else "white", "edgecolor": BLACK if filled else BLUE}
        corner = (x - width / 2, y - height / 2)
        axes.add_patch(FancyBboxPatch(corner, width, height, "round,pad=0,rounding_size=0.1", **style))
        axes.text(x, y, part.name, ha="center", va="center", fontsize=8.5, fontweight="bold" if filled else "normal")
        below = f"{part.below}\n" if part.below else ""
        chapters = ("" if part.below else "chapter ") + ", ".join(part.chapters)
        axes.text(x, y - height / 2 - 0.06, below + f"[{chapters}]", ha="center", va="top", fontsize=7)
    arrow = {"arrowstyle": "->", "color": BLACK, "linewidth": 0.9}
    trunk, branches, last = parts[:6], parts[6:9], parts[9]
    pairs = [*pairwise(trunk), *((trunk[-1], branch) for branch in branches), *((branch, last) for branch in branches)]
    for one, other in pairs:
        start = (one.centre[0] + one.size[0] / 2, one.centre[1])
        end = (other.centre[0] - other.size[0] / 2, other.centre[1])
        axes.annotate("", end, start, arrowprops=arrow)
    frame = {"fill": here == "08", "facecolor": "#FDF0D5", "edgecolor": BLACK if here == "08" else "lightgrey"}
    axes.add_patch(FancyBboxPatch((1.25, 0.98), 9.7, 4.0, "round,pad=0,rounding_size=0.1", zorder=0, **frame))
    axes.text(1.4, 4.75, "the network [08]", fontsize=8.5, fontweight="bold" if here == "08" else "normal")
    axes.text(1.4, 1.15, "channels × samples, and parameters", fontsize=7)
    if here:
        said = f"you are here:\nchapter {here}"
        axes.text(12.75, 4.7, said, ha="right", va="center", fontsize=8.5, fontweight="bold")
    return figure


def save(figure: Any, path: Path) -> None:
    """Write a figure as a PNG of few colours, whole or not at all."""
    from PIL import Image

    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    with atomic_write(path) as partial:
        Image.open(picture).convert("RGB").quantize(COLOURS).save(partial, format="png", optimize=True)


def main() -> None:
    parts = boxes()
    FOLDER.mkdir(exist_ok=True)
    save(draw(parts), WHOLE)
    for number in sorted({chapter for part in parts for chapter in part.chapters} | {"08"}):
        save(draw(parts, number), FOLDER / f"{number}.png")


if __name__ == "__main__":
    main()

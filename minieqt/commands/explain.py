"""Draw what a network attends to in one labelled window, and what each stage of its encoder makes of it.

DIR gets NAME.attention.png (the maps of both transformers, the local attention of P and S, over the seismogram),
NAME.encoder.png (activations after each stage) and NAME.npz (all of these arrays); in NAME, what no file's name holds
stands as in an address (/ as %2F).

  python -m minieqt explain --data merged.hdf5 --csv merged.csv --trace 109C.TA_20060723155859_EV --weights conservative
  python -m minieqt explain --data merged.hdf5 --trace 109C.TA_20060723155859_EV --out explained
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from minieqt.arguments import existing_file, existing_path
from minieqt.commands.options import add_weight_options, add_weights_option, weight_options
from minieqt.errors import UserError


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=existing_path, required=True, metavar="FILE", help="STEAD, SeisBench")
    parser.add_argument("--csv", type=existing_file, metavar="FILE", help="its table (of the same name, beside it)")
    parser.add_argument("--trace", required=True, metavar="NAME", help="which window: its trace_name")
    add_weights_option(parser)
    parser.add_argument("--out", type=Path, default=Path("explained"), metavar="DIR", help="(explained)")
    add_weight_options(parser)


def run(options: Namespace) -> int:
    import numpy as np

    from minieqt.data import open_dataset
    from minieqt.evaluation.explain import draw_attention, draw_encoder, explain
    from minieqt.files import atomic_write
    from minieqt.plots import save_figure
    from minieqt.weights import open_weights

    with open_dataset(options.data, options.csv or ()) as dataset:
        row = find(dataset.table.name, options.trace)
        x = dataset.read(row)
        analyst = {"P": float(dataset.table.p_sample[row]), "S": float(dataset.table.s_sample[row])}
    weights = open_weights(options.weights, **weight_options(options))
    print(f"{weights.name}: {weights.describe()}")
    explanation = explain(weights.model, x)
    options.out.mkdir(parents=True, exist_ok=True)
    name = quote(options.trace, safe=" ")
    for kind, draw in (("attention", draw_attention), ("encoder", draw_encoder)):
        figure = draw(x, explanation, analyst, options.trace)
        save_figure(figure, options.out / f"{name}.{kind}.png")
        print(options.out / f"{name}.{kind}.png")
    with atomic_write(options.out / f"{name}.npz") as partial, partial.open("wb") as file:
        np.savez_compressed(file, **explanation.arrays())
    print(options.out / f"{name}.npz")
    return 0


def find(names: Any, wanted: str) -> int:
    """The row of a trace. UserError with names that are like it, if it is not there."""
    import difflib

    rows = [row for row, name in enumerate(names.tolist()) if name == wanted]
    if not rows:
        like = difflib.get_close_matches(wanted, names.tolist(), 1, 0.0)
        raise UserError(f"there is no trace {wanted!r} among {len(names):,}; is {like[0]} meant?")
    return rows[0]

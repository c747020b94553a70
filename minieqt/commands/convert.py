"""Convert weights between the layouts of minieqt, Keras and SeisBench.

IN is any weight file that minieqt reads. OUT is minieqt's own if it ends in .h5; an .npz holds arrays under Keras's
names, or SeisBench's with --names seisbench. Components are in the order E, N, Z in all of them.

  python -m minieqt convert EqT_model.h5 eqt.h5
  python -m minieqt convert runs/001/best.h5 best.npz --names keras
  python -m minieqt convert pnw.pt pnw.npz --names seisbench
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from minieqt.arguments import existing_file
from minieqt.commands.pick import add_weight_options, weight_options
from minieqt.errors import UserError


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", type=existing_file, metavar="IN", help="weights of any layout")
    parser.add_argument("target", type=Path, metavar="OUT", help="NAME.h5 or NAME.npz")
    parser.add_argument("--names", choices=("keras", "seisbench"), default="keras", help="of arrays in an .npz (keras)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    add_weight_options(parser)


def run(options: Namespace) -> int:
    from minieqt.weights import open_weights, save_weights

    layouts = {".h5": "minieqt", ".npz": options.names}
    if options.target.suffix not in layouts:
        raise UserError(f"{options.target}: the name must end in .h5 (minieqt) or .npz (names of Keras or SeisBench)")
    if options.target.exists() and not options.overwrite:
        raise UserError(f"{options.target} is already there: replace it with --overwrite, or give another name")
    weights = open_weights(options.source, **weight_options(options))
    print(f"{options.source}: {weights.describe()}")
    options.target.parent.mkdir(parents=True, exist_ok=True)
    save_weights(options.target, weights.model, layouts[options.target.suffix])
    print(f"{options.target}: {layouts[options.target.suffix]} layout")
    return 0

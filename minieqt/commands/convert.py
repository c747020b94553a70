"""Convert weights between the layouts of minieqt, Keras and SeisBench.

IN is any weight file that minieqt reads, or a name of published weights (python -m minieqt weights). OUT is minieqt's
own if it ends in .h5; an .npz holds arrays under Keras's names, or SeisBench's with --names seisbench. Components are
in the order E, N, Z in all of them. An .h5 keeps the texts of another; --half makes it less than half as large.

  python -m minieqt convert EqT_model.h5 eqt.h5
  python -m minieqt convert runs/001/best.h5 best.npz --names keras
  python -m minieqt convert pnw.pt pnw.npz --names seisbench
  python -m minieqt convert runs/001/best.h5 small.h5 --half --describe "fine-tuned on the Swabian Alb, 2026"
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from minieqt.commands.options import add_weight_options, weight_options
from minieqt.errors import UserError


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="IN", help="weights of any layout, or their name")
    parser.add_argument("target", type=Path, metavar="OUT", help="NAME.h5 or NAME.npz")
    parser.add_argument("--names", choices=("keras", "seisbench"), help="of arrays in an .npz (keras)")
    parser.add_argument("--half", action="store_true", help="parameters in half precision, in an .h5")
    parser.add_argument("--describe", metavar="TEXT", help="what an .h5 says of itself, where weights are listed")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    add_weight_options(parser)


def run(options: Namespace) -> int:
    from minieqt.weights import open_weights, save_weights

    layouts = {".h5": "minieqt", ".npz": options.names or "keras"}
    if options.target.suffix not in layouts:
        raise UserError(f"{options.target}: the name must end in .h5 (minieqt) or .npz (names of Keras or SeisBench)")
    if options.target.suffix != ".h5" and (options.half or options.describe):
        raise UserError(f"{options.target}: --half and --describe are about an .h5")
    if options.target.suffix != ".npz" and options.names:
        raise UserError(f"{options.target}: --names is about an .npz")
    if options.target.exists() and not options.overwrite:
        raise UserError(f"{options.target} is already there: replace it with --overwrite, or give another name")
    weights = open_weights(options.source, **weight_options(options))
    print(f"{weights.name}: {weights.describe()}")
    layout = layouts[options.target.suffix]
    texts = weights.attributes | ({"description": options.describe} if options.describe else {})
    options.target.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_weights(options.target, weights.model, layout, options.half, texts)
    except ValueError as error:
        raise UserError(f"{weights.name}: {error}") from error
    print(f"{options.target}: {layout} layout, {options.target.stat().st_size:,} bytes")
    return 0

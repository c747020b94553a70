"""List the network's layers: their output shapes and how many parameters they have.

  python -m minieqt summary
  python -m minieqt summary --lstm-blocks 3
  python -m minieqt summary --weights runs/001/best.h5
  python -m minieqt summary --weights EqT_model.h5              Keras's and SeisBench's files as well
  python -m minieqt summary --weights conservative              and published weights by name
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minieqt.arguments import whole
from minieqt.commands.options import add_weight_options, add_weights_option, weight_options
from minieqt.errors import UserError


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--lstm-blocks", type=whole(1, 16), help="2 as in the paper, 3 as released (2)")
    add_weights_option(parser, "none: a new network")
    add_weight_options(parser)


def run(options: Namespace) -> int:
    from minieqt.model import EQTransformer
    from minieqt.weights import open_weights

    if options.weights:
        if options.lstm_blocks is not None:
            raise UserError("--lstm-blocks is about a new network: leave it out, or --weights")
        weights = open_weights(options.weights, **weight_options(options))
        print(f"{weights.name}: {weights.describe()}")
        print(weights.model.summary())
    else:
        print(EQTransformer(options.lstm_blocks or 2).summary())
    return 0

"""List the network's layers: their output shapes and how many parameters they have.

  python -m minieqt summary
  python -m minieqt summary --lstm-blocks 3
  python -m minieqt summary --weights runs/001/best.h5
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minieqt.arguments import existing_file, whole


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--lstm-blocks", type=whole(1, 16), default=2, help="2 as in the paper, 3 as released (2)")
    parser.add_argument("--weights", type=existing_file, metavar="FILE.h5", help="a trained network, not a new one")


def run(options: Namespace) -> int:
    from minieqt.model import EQTransformer
    from minieqt.weights import native

    model = native.load(options.weights) if options.weights else EQTransformer(options.lstm_blocks)
    print(model.summary())
    return 0

"""Train EQTransformer: `python -m minieqt train` by a shorter name, for a checkout. --help explains it."""

import sys

from minieqt.cli import program

if __name__ == "__main__":
    sys.exit(program(["train", *sys.argv[1:]]))

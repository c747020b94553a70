"""python -m minieqt: see cli.py."""

import sys

from minieqt.cli import program

if __name__ == "__main__":
    sys.exit(program())

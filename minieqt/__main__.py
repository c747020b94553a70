"""python -m minieqt: the small commands beside train.py."""

import sys

from minieqt.arguments import guarded
from minieqt.cli import main

if __name__ == "__main__":
    sys.exit(guarded("minieqt", main))

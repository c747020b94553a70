"""The golden files, with the weights that they were made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from golden.make import weights

from minieqt import EQTransformer
from minieqt.weights import to_seisbench

Array = Any


def read(file: str, gate: str, blocks: int) -> tuple[Any, dict[str, Array]]:
    """The arrays of a file, and {SeisBench name: weight}. A network of ours says what shapes they have."""
    golden, ours = np.load(Path(__file__).with_name(f"{file}.npz")), EQTransformer(blocks, gate)
    arrays = to_seisbench(ours, custom_cell=False) | to_seisbench(ours, custom_cell=True)
    return golden, weights({name: arrays[name].shape for name in golden["names"].tolist()})

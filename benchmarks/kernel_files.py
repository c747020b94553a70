"""Which of the CUDA sources a benchmark is about."""

from __future__ import annotations

from pathlib import Path

from kernels.cuda.sources import FOLDER
from minieqt.errors import UserError


def kernel_files(names: list[str], pattern: str) -> list[Path]:
    """Files of kernels/cuda: those named, or all that match the pattern. UserError for one that does not exist."""
    paths = [FOLDER / name for name in names] or sorted(FOLDER.glob(pattern))
    for path in paths:
        if not path.is_file():
            raise UserError(f"there is no {path.name} in {FOLDER}")
    return paths

"""The CUDA sources: where they are, and one digest of all of them, because a .cu file includes the .cuh beside it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def digest() -> str:
    """The digest of every .cu, .cuh, .h and .cpp: what was compiled from other sources is not used again."""
    total = hashlib.sha256()
    for folder in FOLDER, FOLDER / "watchers":  # not the folders below, where files are compiled
        for path in sorted(folder.iterdir()):
            if path.suffix in {".cu", ".cuh", ".h", ".cpp"}:
                total.update(path.read_bytes())
    return total.hexdigest()[:16]

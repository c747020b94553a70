"""The CUDA sources: where they are, and one digest of all of them, because a .cu file includes the .cuh beside it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def digest() -> str:
    """Of every .cu, .cuh, .h and .cpp: what was compiled from other sources is not used again."""
    total = hashlib.sha256()
    for ending in "*.cu", "*.cuh", "*.h", "*.cpp":
        for path in sorted(FOLDER.rglob(ending)):
            total.update(path.read_bytes())
    return total.hexdigest()[:16]

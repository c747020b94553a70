"""The one damage of an HDF5 file that is no error but a loop without end.

Texts lie in global heaps: "GCOL", version and 3 bytes, size (8 bytes), then objects: index, references (2 bytes each),
4 bytes, size (8 bytes), content padded to 8. Object 0 is the free rest; its size counts its own head. Where that is 0
the HDF5 library steps on by nothing, for ever (HDF5 file format specification, III.E).
"""

from __future__ import annotations

import struct
from pathlib import Path

HEAD = 16  # bytes before the first object, and before an object's content


def has_endless_heap(path: Path) -> bool:
    """Whether the HDF5 library would hang on a file's texts. Reads all of it: for weights, not for data sets."""
    data = path.read_bytes()
    at = data.find(b"GCOL")
    while at >= 0:
        size = int.from_bytes(data[at + 8 : at + HEAD], "little")
        here, end = at + HEAD, min(at + size, len(data))
        while here + HEAD <= end:
            index, _, length = struct.unpack_from("<HH4xQ", data, here)
            if index == 0 and length == 0:
                return True
            here += HEAD + (length + 7) // 8 * 8 if index else length
        at = data.find(b"GCOL", at + 4)
    return False

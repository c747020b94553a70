"""The one damage of an HDF5 file that makes the HDF5 library loop for ever instead of raising an error.

Texts lie in global heaps: "GCOL", version and 3 bytes, size (8 bytes), then objects: index, references (2 bytes each),
4 bytes, size (8 bytes), content padded to 8. Object 0 is the free rest; its size counts its own head. Where that is 0
the library advances by 0 bytes, for ever. A dataset of texts holds, for each, its length (4 bytes), the heap's address
(8) and the object's index (4). HDF5 file format specification, III.E and VIII.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

HEAD = 16  # bytes before the first object, and before an object's content
LARGEST = 2**24  # bytes of a heap that a data set's few texts may lie in; they take 4096


def has_endless_heap(path: Path) -> bool:
    """Whether the HDF5 library would hang on some text of a file. Reads all of it: for weights, not for data sets."""
    data = path.read_bytes()
    at = data.find(b"GCOL")
    while at >= 0:
        if is_endless(data[at : at + int.from_bytes(data[at + 8 : at + HEAD], "little")]):
            return True
        at = data.find(b"GCOL", at + 4)
    return False


def lies_in_bad_heap(path: Path, dataset: Any) -> bool:
    """Whether the HDF5 library would hang on the texts of one dataset (h5py) of a file, or need too much memory."""
    offset = dataset.id.get_offset()
    if dataset.dtype.kind != "O" or offset is None:
        return False
    with path.open("rb") as file:
        file.seek(offset)
        texts = file.read(min(HEAD * dataset.size, LARGEST))
        for _, address, _ in struct.iter_unpack("<IQI", texts[: len(texts) // HEAD * HEAD]):
            file.seek(min(address + dataset.file.userblock_size, path.stat().st_size))
            head = file.read(HEAD)
            size = int.from_bytes(head[8:], "little")
            if head[:4] == b"GCOL" and (size > LARGEST or is_endless(head + file.read(size))):
                return True
    return False


def is_endless(heap: bytes) -> bool:
    """Whether stepping from object to object through one heap never ends."""
    at = HEAD
    while at + HEAD <= len(heap):
        index, _, length = struct.unpack_from("<HH4xQ", heap, at)
        if index == 0 and length == 0:
            return True
        at += HEAD + (length + 7) // 8 * 8 if index else length
    return False

"""HDF5 as far as STEAD needs it, written from front to back: group `data`, with a data set and attributes per trace.

h5py takes 1.6 ms for a trace with its 35 attributes, all but a tenth of it for the attributes, and a disk a tenth of a
millisecond for its 72 KB. The bytes themselves are simple. Each trace is an object header (its shape, its type, where
its samples are, its attributes) with the samples behind it; attributes of text point into a heap of texts; a tree of
sorted names, written last, makes the group. HDF5 File Format Specification, version 3.0: superblock 0 and object
headers 1, which every version of the library reads and which STEAD's own files have.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import prod
from pathlib import Path
from struct import Struct, pack
from types import TracebackType
from typing import Any

import numpy as np

from minieqt.errors import UserError

Array = Any

SUPERBLOCK, NOWHERE = 96, 2**64 - 1  # bytes of the first block; the address of what is not there
DATASPACE, DATATYPE, FILL, LAYOUT, ATTRIBUTE, SYMBOL_TABLE = 0x01, 0x03, 0x05, 0x08, 0x0C, 0x11  # kinds of message
HEAP = 1 << 16  # bytes of a heap of texts; a longer text gets a longer one
OBJECT_HEADER = 16  # bytes before the messages
TEXT_HEADER = Struct("<HH4xQ")  # of a text in a heap: its number (0: free room), how often it is used, bytes
REFERENCE = Struct("<IQI")  # to a text: bytes, address of the heap, number in it
LEAF, BRANCH = 32, 16  # half of the most names in a leaf; half of the least room for leaves in the tree
ENTRY = np.dtype([("name", "<u8"), ("header", "<u8"), ("unused", "V24")])  # of a leaf


class TraceFile:
    """A new HDF5 file that takes traces one after the other: `with TraceFile(path) as file: file.add(…)`.

    The file is one only after `close`, which leaving the block without an error does. OSError, with the file's name,
    where the disk is full.
    """

    def __init__(self, path: Path):
        self.path = path
        self._file = open(path, "wb", buffering=0)
        self._end = 0  # of what has been written
        self._traces: dict[bytes, int] = {}  # name -> address of its object header
        self._heap, self._heap_at, self._heap_size, self._texts = bytearray(), 0, 0, 0  # the one that is being filled
        self._append(bytes(SUPERBLOCK))

    def add(self, name: str, samples: Array, attributes: Mapping[str, str | float | Array]) -> None:
        """Store samples, numbers of any shape, as data/<name>. UserError for a name that is there already."""
        if name.encode() in self._traces:
            raise UserError(f"{self.path}: two traces are called {name}")
        messages = b"".join([self._attribute(*attribute) for attribute in attributes.items()])
        start = _trace_start(samples.shape, samples.dtype.str)
        samples_at = self._end + OBJECT_HEADER + len(start) + len(_layout(0, 0)) + len(messages)
        messages = start + _layout(samples_at, samples.nbytes) + messages
        self._traces[name.encode()] = self._append(_object_header(4 + len(attributes), messages))
        self._append(samples)

    def close(self) -> None:
        """Write the group and the first block; the file is complete."""
        self._write_heap()
        leaves = -(-len(self._traces) // (2 * LEAF))
        branch = max(BRANCH, -(-leaves // 2))  # one level of the tree suffices for any number of leaves
        data, _ = self._write_group(self._traces, branch)
        root, links = self._write_group({b"data": data}, branch)
        first = b"\x89HDF\r\n\x1a\n" + pack("<8BHHI", 0, 0, 0, 0, 0, 8, 8, 0, LEAF, branch, 0)
        first += pack("<QQQQ", 0, NOWHERE, self._end, NOWHERE) + pack("<QQIIQQ", 0, root, 1, 0, *links)
        self._write(0, first)
        self._file.close()

    def __enter__(self) -> TraceFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self._file.close()

    # -- bytes -------------------------------------------------------------------------------------------------

    def _append(self, block: bytes | bytearray | Array) -> int:
        """Write at the end, from a multiple of eight on; the block's address."""
        at = self._end
        self._end += -(-self._write(at, block) // 8) * 8
        return at

    def _write(self, at: int, block: bytes | bytearray | Array) -> int:
        left = memoryview(block).cast("B")
        try:
            self._file.seek(at)
            while left:  # a disk that is almost full takes a part
                left = left[self._file.write(left) :]
        except OSError as error:
            error.filename = str(self.path)
            raise
        return memoryview(block).nbytes

    # -- attributes and their texts ----------------------------------------------------------------------------

    def _attribute(self, name: str, value: str | float | Array) -> bytes:
        """A message: name, type, shape and value; of a text, its length, its heap's address and its number there."""
        if isinstance(value, str):
            text = value.encode()
            block = TEXT_HEADER.size + -(-len(text) // 8) * 8
            if len(self._heap) + block + TEXT_HEADER.size > self._heap_size:
                self._write_heap()
                self._begin_heap(block)
            self._texts += 1
            self._heap += TEXT_HEADER.pack(self._texts, 0, len(text)) + text.ljust(block - TEXT_HEADER.size, b"\0")
            return _attribute_start(name, "text", ()) + REFERENCE.pack(len(text), self._heap_at, self._texts)
        if isinstance(value, np.ndarray):
            return _attribute_start(name, "<f8", value.shape) + value.astype("<f8").tobytes()
        return _attribute_start(name, "<f8", ()) + pack("<d", value)

    def _begin_heap(self, block: int) -> None:
        """A heap in which a block of this size fits; its space in the file is reserved, and written when it is full."""
        self._heap_at, self._heap_size, self._texts = self._end, max(HEAP, 16 + block + TEXT_HEADER.size), 0
        self._heap += b"GCOL" + pack("<IQ", 1, self._heap_size)
        self._end += self._heap_size

    def _write_heap(self) -> None:
        """Write the heap into its reserved space, the rest of it marked as free."""
        if self._heap:
            self._heap += TEXT_HEADER.pack(0, 0, self._heap_size - len(self._heap))
            self._write(self._heap_at, self._heap.ljust(self._heap_size, b"\0"))
            self._heap.clear()

    # -- groups ------------------------------------------------------------------------------------------------

    def _write_group(self, members: Mapping[bytes, int], branch: int) -> tuple[int, tuple[int, int]]:
        """A group of names and addresses: the address of its header, and those of its tree and its names."""
        names = sorted(members)
        sizes = [-(-(len(name) + 1) // 8) * 8 for name in names]
        places = 8 + np.cumsum([0, *sizes], dtype=np.int64)[:-1]  # behind the empty name
        texts = bytes(8) + b"".join(name.ljust(size, b"\0") for name, size in zip(names, sizes, strict=True))
        names_at = self._append(b"HEAP" + pack("<IQQQ", 0, len(texts), 1, self._end + 32) + texts)

        entries = np.zeros(len(names), ENTRY)
        entries["name"], entries["header"] = places, [members[name] for name in names]
        tree = [0]  # between any two leaves the last name of the first: what comes before, a leaf, what comes next …
        for first in range(0, len(names), 2 * LEAF):
            part = entries[first : first + 2 * LEAF]
            leaf = b"SNOD" + pack("<BBH", 1, 0, len(part)) + part.tobytes()
            tree += [self._append(leaf.ljust(8 + 2 * LEAF * ENTRY.itemsize, b"\0")), int(part["name"][-1])]
        node = b"TREE" + pack(f"<BBHQQ{len(tree)}Q", 0, 0, len(tree) // 2, NOWHERE, NOWHERE, *tree)
        tree_at = self._append(node.ljust(24 + 8 * (4 * branch + 1), b"\0"))
        links = tree_at, names_at
        return self._append(_object_header(1, _message(SYMBOL_TABLE, pack("<QQ", *links)))), links


def _padded(block: bytes) -> bytes:
    """To a multiple of eight bytes."""
    return block.ljust(-(-len(block) // 8) * 8, b"\0")


def _message(kind: int, body: bytes, constant: int = 0) -> bytes:
    body = _padded(body)
    return pack("<HHB3x", kind, len(body), constant) + body


def _object_header(count: int, messages: bytes) -> bytes:
    return pack("<BxHII4x", 1, count, 1, len(messages)) + messages


def _dataspace(shape: tuple[int, ...]) -> bytes:
    return pack(f"<BBB5x{len(shape)}Q", 1, len(shape), 0, *shape)


@cache
def _datatype(kind: str) -> bytes:
    """Numbers of a NumPy type, or "text" of any length, as HDF5's library puts it."""
    from h5py import h5t, string_dtype

    library = h5t.py_create(string_dtype() if kind == "text" else np.dtype(kind), logical=True)
    encoded = bytes(library.encode()[2:])  # the first two say that it is a type, and how it is encoded
    # A text takes 8 bytes in memory, and more in a file.
    return encoded[:4] + pack("<I", REFERENCE.size) + encoded[8:] if kind == "text" else encoded


@cache
def _trace_start(shape: tuple[int, ...], dtype: str) -> bytes:
    """What is the same in every trace: shape, type, what to fill with."""
    fill = _message(FILL, pack("<4BI", 2, 2, 2, 1, 0), 1)  # the library's own: zero
    return _message(DATASPACE, _dataspace(shape)) + _message(DATATYPE, _datatype(dtype), 1) + fill


def _layout(samples_at: int, size: int) -> bytes:
    """Where the samples are, in one piece."""
    return _message(LAYOUT, pack("<BBQQ", 3, 1, samples_at, size))


@cache
def _attribute_start(name: str, kind: str, shape: tuple[int, ...]) -> bytes:
    """An attribute's message as far as its value."""
    text, datatype, space = name.encode() + b"\0", _datatype(kind), _dataspace(shape)
    body = pack("<BxHHH", 1, len(text), len(datatype), len(space)) + _padded(text) + _padded(datatype) + space
    size = REFERENCE.size if kind == "text" else 8 * prod(shape)
    return pack("<HHB3x", ATTRIBUTE, len(body) + size, 0) + body

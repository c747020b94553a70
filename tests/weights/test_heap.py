"""A free rest of zero bytes in a heap is refused; HDF5 would loop on it for ever."""

from __future__ import annotations

import h5py
import pytest

from minieqt.errors import UserError
from minieqt.weights import load_weights
from minieqt.weights.heap import has_endless_heap


def test_a_heap_without_an_end(tmp_path):
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"], file.attrs["config"] = "minieqt weights", "{}"
    assert not has_endless_heap(path)
    data = bytearray(path.read_bytes())
    heap = data.find(b"GCOL")
    rest = heap + 16 + (16 + 16) + (16 + 8)  # after the two texts, padded to 8
    assert data[rest : rest + 2] == b"\0\0" and int.from_bytes(data[rest + 8 : rest + 16], "little") == 4096 - 72
    data[rest + 8 : rest + 16] = bytes(8)
    path.write_bytes(data)
    assert has_endless_heap(path)
    with pytest.raises(UserError, match="damaged"):
        load_weights(path)

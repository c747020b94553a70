"""A free rest of zero bytes in a heap is refused; HDF5 would loop on it for ever."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.errors import UserError
from minieqt.hdf5_heap import LARGEST, has_endless_heap, lies_in_bad_heap
from minieqt.weights import load_weights


def without_end(data, texts):
    """A file's bytes whose first heap, of texts so long, has a free rest of no size."""
    heap = data.find(b"GCOL")
    used = 16 + sum(16 + (text + 7) // 8 * 8 for text in texts)
    rest = heap + used
    assert data[rest : rest + 2] == b"\0\0" and int.from_bytes(data[rest + 8 : rest + 16], "little") == 4096 - used
    return data[: rest + 8] + bytes(8) + data[rest + 16 :]


def test_a_heap_without_an_end(tmp_path):
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"], file.attrs["config"] = "minieqt weights", "{}"
    assert not has_endless_heap(path)
    path.write_bytes(without_end(path.read_bytes(), [len("minieqt weights"), len("{}")]))
    assert has_endless_heap(path)
    with pytest.raises(UserError, match="damaged"):
        load_weights(path)


@pytest.mark.parametrize("userblock", [0, 512])
def test_the_texts_of_one_dataset(tmp_path, userblock):
    path = tmp_path / "waveforms.hdf5"
    with h5py.File(path, "w", userblock_size=userblock) as file:
        file["data_format/component_order"] = "ZNE"
        file["data/a"] = np.ones((3, 6000), np.float32)
    (tmp_path / "metadata.csv").write_text("trace_name,trace_p_arrival_sample\na,500\n")
    whole = path.read_bytes()

    def bad(data):
        path.write_bytes(data)
        with h5py.File(path) as file:
            assert not lies_in_bad_heap(path, file["data/a"])
            return lies_in_bad_heap(path, file["data_format/component_order"])

    size = whole.find(b"GCOL") + 8
    assert not bad(whole) and len(open_dataset(tmp_path)) == 1
    assert bad(whole[:size] + (LARGEST + 1).to_bytes(8, "little") + whole[size + 8 :])
    assert bad(without_end(whole, [3]))
    with pytest.raises(UserError, match="heap"):
        open_dataset(tmp_path)

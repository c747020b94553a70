"""PyTorch's .pt files without PyTorch: a restricted unpickler that builds arrays and nothing else.

A .pt file is a zip: NAME/data.pkl, a pickle that describes tensors by (storage, offset, shape, strides), and one file
NAME/data/KEY of raw numbers for each storage. A pickle is a program, and may call any function that it can name.
This one can name an ordered dictionary, PyTorch's tensor builder and its storage types; each of them is replaced by
code of this file, and any other name is refused before anything has been called.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from minieqt.errors import UserError

Array = Any

DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
LARGEST = 2**30  # bytes of one storage; an EQTransformer's largest has 64 KiB


class Refused(pickle.UnpicklingError):
    """The pickle names something that weights have no need of."""


class StorageType:
    """Stands for a class such as torch.FloatStorage, of which only the dtype matters."""

    def __init__(self, dtype: str):
        self.dtype = np.dtype(dtype)


def rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Array:
    """PyTorch's `_rebuild_tensor_v2`: a copy of what shape and strides (in elements) select from a storage."""
    if not isinstance(storage, np.ndarray) or len(shape) != len(strides):
        raise Refused("it describes a tensor without a storage")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    fits = min((offset, *shape, *strides), default=0) >= 0 and (0 in shape or last < storage.size)
    if not fits or np.prod(shape, dtype=np.float64) * storage.itemsize > LARGEST:
        raise Refused("it describes a tensor that does not fit into its storage")
    steps = tuple(step * storage.itemsize for step in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], tuple(shape), steps, writeable=False).copy()


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles dictionaries of tensors as NumPy arrays; refuses everything else."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str):
        super().__init__(archive.open(f"{prefix}data.pkl"), encoding="utf-8")
        self.archive, self.prefix = archive, prefix
        self.storages: dict[str, Array] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return rebuild_tensor
        if module == "torch" and name in DTYPES:
            return StorageType(DTYPES[name])
        raise Refused(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Array:
        """("storage", type, key, device, size) -> its numbers, (size,)."""
        kind, storage_type, key, _, size = pid
        if kind != "storage" or not isinstance(storage_type, StorageType):
            raise Refused("it refers to something that is no storage")
        if key not in self.storages:
            name = f"{self.prefix}data/{key}"
            size_in_bytes = size * storage_type.dtype.itemsize
            if self.archive.getinfo(name).file_size != size_in_bytes or size_in_bytes > LARGEST:
                raise Refused(f"{name} is not of the size that it should have")
            stored = storage_type.dtype.newbyteorder(">" if self.big_endian() else "<")
            self.storages[key] = np.frombuffer(self.archive.read(name), stored).astype(storage_type.dtype)
        return self.storages[key]

    def big_endian(self) -> bool:
        """Whether the archive says that its numbers are big-endian; older archives do not say and are little-endian."""
        name = f"{self.prefix}byteorder"
        return name in self.archive.namelist() and self.archive.read(name) == b"big"


def read_state(path: Path | str) -> dict[str, Array]:
    """A PyTorch state dict: {name: array}. UserError for a file that holds anything else."""

    def refuse(why: object) -> NoReturn:
        raise UserError(f"{path} is not a file of PyTorch weights that minieqt reads: {why}")

    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(pickles) != 1:
                refuse("it has no data.pkl (save it with torch 1.6 or newer)")
            if archive.getinfo(pickles[0]).file_size > LARGEST:
                refuse("its data.pkl is too large")
            state = ArrayUnpickler(archive, pickles[0].removesuffix("data.pkl")).load()
    except Refused as refused:
        refuse(refused)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        refuse(f"it is damaged or no zip archive ({error})")
    except Exception as error:  # what a damaged or malicious pickle raises is not limited to a few types
        refuse(f"its pickle is damaged ({type(error).__name__}: {error})")
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(array, np.ndarray) for name, array in state.items()
    ):
        refuse("it is no dictionary of arrays (save model.state_dict(), not the model)")
    return dict(state)

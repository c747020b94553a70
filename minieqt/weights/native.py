"""minieqt's own weight file: HDF5, one array per name, and what is needed to build the network again.

    attributes          format = "minieqt weights", version = 1, config = JSON of EQTransformer's arguments;
                        any other is a text about the network, such as its description
    parameters/<name>   trained arrays, under the names of model.parameters()
    statistics/<name>   BatchNorm's running statistics, under the names of model.state()
    <group>/<name>      whatever else the writer adds (a checkpoint's `training` group)

With `half` the parameters are float16, compressed; reading makes them float32. The running variances stay float32: a
channel that is always zero has one of 1e-36, which float16 cannot hold, and they are 0.5 % of the numbers.

A file is written under another name and renamed, so that a reader never finds half a file.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import h5py
import numpy as np

from minieqt.backend import to_numpy
from minieqt.errors import UserError
from minieqt.files import atomic_write

if TYPE_CHECKING:
    from minieqt.model import EQTransformer

Array = Any

# What h5py, zipfile and NumPy raise when a file is damaged, and what our code raises on what they return.
DAMAGED = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, zlib.error, BadZipFile)
FORMAT, VERSION = "minieqt weights", 1
OWN_ATTRIBUTES = {"format", "version", "config"}
COMPRESSED = 1024  # numbers: below, HDF5's index of a compressed array takes more than compressing saves


@dataclass(frozen=True)
class Contents:
    """What a weight file holds: the network's arguments, its arrays by name, the rest by group/name, and texts."""

    config: dict[str, Any]
    arrays: dict[str, Array]
    extra: dict[str, Array]
    attributes: dict[str, str]


def save(
    path: Path | str,
    model: EQTransformer,
    extra: Mapping[str, Any] | None = None,
    half: bool = False,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Write a network, and arrays or numbers under names like "training/epoch", whole or not at all.

    ValueError if a parameter is too large for half precision.
    """
    parameters = {name: to_numpy(array) for name, array in model.parameters().items()}
    if half:
        parameters = {name: to_half(name, array) for name, array in parameters.items()}
    groups = [
        {f"parameters/{name}": array for name, array in parameters.items()},
        {f"statistics/{name}": array for name, array in model.state().items()},
        dict(extra or {}),
    ]
    image = io.BytesIO()  # on a full disk HDF5 fails once more on closing, and not with an OSError
    with h5py.File(image, "w", libver="latest" if half else None) as file:
        for name, text in (attributes or {}).items():
            file.attrs[name] = text.encode("utf-8", "backslashreplace").decode()  # it may quote a file's name
        file.attrs.update({"format": FORMAT, "version": VERSION})
        file.attrs["config"] = json.dumps(model.config)
        for group in groups:
            for name, value in group.items():
                array = to_numpy(value)
                smaller = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
                compressed = half and getattr(array, "size", 0) >= COMPRESSED
                file.create_dataset(name, data=array, **(smaller if compressed else {}))
    with atomic_write(Path(path)) as partial:
        partial.write_bytes(image.getbuffer())


def to_half(name: str, array: Array) -> Array:
    """float32 or float64 -> float16. ValueError for a number beyond its range."""
    largest = float(np.finfo(np.float16).max)
    if not np.abs(array).max(initial=0) <= largest:
        raise ValueError(f"{name} holds numbers that half precision does not: up to {np.abs(array).max():g}")
    return array.astype(np.float16)


def read(path: Path | str) -> Contents:
    """Read a weight file. UserError if it is missing, truncated, or not one of ours."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise UserError(f"{path} is an HDF5 file, but not one of minieqt's weight files")
            if file.attrs["version"] > VERSION:
                raise UserError(f"{path} was written by a newer minieqt: please update")
            config = json.loads(file.attrs["config"])
            arrays: dict[str, Array] = {}
            for group in ("parameters", "statistics"):
                arrays |= {name: to_single(array[()]) for name, array in file[group].items()}
            attributes = {name: str(text) for name, text in file.attrs.items() if name not in OWN_ATTRIBUTES}
            extra: dict[str, Array] = {}
            for group in file.keys() - {"parameters", "statistics"}:
                file[group].visititems(lambda _, node: add_dataset(extra, node))
    except UserError:
        raise
    except DAMAGED as error:
        raise UserError(f"{path} is damaged, cut short or not an HDF5 file ({error})") from error
    return Contents(config, arrays, extra, attributes)


def to_single(array: Array) -> Array:
    """float16 -> float32; anything else as it is."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def add_dataset(into: dict[str, Array], node: h5py.Group | h5py.Dataset) -> None:
    """Add an HDF5 dataset under its full name, without the leading slash."""
    if isinstance(node, h5py.Dataset):
        into[node.name.lstrip("/")] = node[()]


def load(path: Path | str) -> EQTransformer:
    """The network that a weight file holds, ready to use. UserError as in `read`, or if the arrays do not fit."""
    from minieqt.model import EQTransformer

    contents = read(path)
    try:
        model = EQTransformer(**contents.config)
        model.load(contents.arrays)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} does not hold the network it describes: {error}") from error
    return model

"""minieqt's own weight file: HDF5, one array a name, and what is needed to build the network again.

    attributes          format = "minieqt weights", version = 1, config = JSON of EQTransformer's arguments
    parameters/<name>   trained arrays, under the names of model.parameters()
    statistics/<name>   BatchNorm's running statistics, under the names of model.state()
    <group>/<name>      whatever else the writer adds (a checkpoint's `training` group)

A file is written under another name and renamed, so that a name always stands for a whole file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from minieqt.backend import to_numpy
from minieqt.errors import UserError
from minieqt.files import replacing

if TYPE_CHECKING:
    from minieqt.model import EQTransformer

Array = Any

FORMAT, VERSION = "minieqt weights", 1


@dataclass(frozen=True)
class Contents:
    """What a weight file holds: the network's arguments, its arrays by name, and the rest by group/name."""

    config: dict[str, Any]
    arrays: dict[str, Array]
    extra: dict[str, Array]


def save(path: Path | str, model: EQTransformer, extra: Mapping[str, Any] | None = None) -> None:
    """Write a network, and arrays or numbers under names like "training/epoch", whole or not at all."""
    groups = [
        {f"parameters/{name}": array for name, array in model.parameters().items()},
        {f"statistics/{name}": array for name, array in model.state().items()},
        dict(extra or {}),
    ]
    with replacing(Path(path)) as partial:
        with h5py.File(partial, "w") as file:
            file.attrs.update(format=FORMAT, version=VERSION, config=json.dumps(model.config))
            for group in groups:
                for name, value in group.items():
                    file[name] = to_numpy(value)


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
                arrays |= {name: array[()] for name, array in file[group].items()}
            extra: dict[str, Array] = {}
            for group in file.keys() - {"parameters", "statistics"}:
                file[group].visititems(lambda _, node: add_dataset(extra, node))
    except (OSError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is damaged, cut short or not an HDF5 file ({error})") from error
    return Contents(config, arrays, extra)


def add_dataset(into: dict[str, Array], node: h5py.Group | h5py.Dataset) -> None:
    """Note an HDF5 dataset under its full name, without the leading slash."""
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

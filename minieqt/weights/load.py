"""Weights in: one function for every layout, which recognises a file by what is in it, not by its name.

    minieqt          HDF5 of this package                            states everything
    Keras            HDF5 of Keras 2, archive of Keras 3, or .npz    states the gates, if it holds the model too
    SeisBench        .pt or .npz; a .json of the same name beside it states components and normalisation
                     (NAME.json beside NAME.pt, NAME.json.v2 beside NAME.pt.v2, as in SeisBench's own cache)

What a file does not state is assumed to be as in its publishers' networks, and may be given as an option. Whatever
order the components had in training, the first convolution is reordered so that the network takes E, N, Z like ours.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minieqt.errors import UserError
from minieqt.files import atomic_write
from minieqt.hdf5_heap import has_endless_heap
from minieqt.model import EQTransformer
from minieqt.weights import native
from minieqt.weights.fetch import TIMEOUT
from minieqt.weights.keras import KerasLayers, from_keras, read_h5, read_keras, read_npz, to_keras
from minieqt.weights.locate import OWN_NAME, locate
from minieqt.weights.pytorch import read_state
from minieqt.weights.seisbench import from_seisbench, to_seisbench

Array = Any

ORDER = "ENZ"
LAYOUTS = ("minieqt", "keras", "seisbench")
NPZ_CONFIG = "minieqt_config"  # the entry of an .npz that `convert` adds to the arrays


@dataclass
class Loaded:
    """A network and how it was found: the file's layout, its component order, and what had to be assumed.

    `name` is what the user called it, `path` its file, `attributes` the texts in a minieqt file.
    """

    model: EQTransformer
    layout: str
    component_order: str
    assumed: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    name: str = ""
    path: Path = Path()

    def describe(self) -> str:
        """One line for a user to check."""
        config = self.model.config
        text = (
            f"{self.layout}; {config['lstm_blocks']} BiLSTM blocks, {config['gate']} gates, components "
            f"{self.component_order}, normalised by {config['normalisation']}, decoder crops as in "
            f"{config['crop']}, attention epsilon {config['attention_eps']:g}"
        )
        if not self.assumed:
            return text
        return f"{text} (the file does not tell, assumed: {', '.join(sorted(self.assumed))})"


def load_weights(weights: Path | str | None = None, **options: Any) -> EQTransformer:
    """A network with trained weights, in evaluation mode: the package's own, a file's, or published ones by name.

    A file may be of any layout. Names are those of minieqt/weights/published.py, such as "original"; such a file is
    fetched once, into the user's cache. Options override what the file states or what is assumed: gate,
    component_order, normalisation, crop, attention_eps, drop_rate, dtype, seed. UserError for a file that cannot be
    used or fetched.
    """
    return open_weights(weights, **options).model


def open_weights(weights: Path | str | None = None, timeout: float = TIMEOUT, **options: Any) -> Loaded:
    """`load_weights`, and how the network was found; `timeout`: seconds that a server may be silent."""
    path = locate(weights, lambda fetched: read_file(fetched, {}), timeout)
    loaded = read_file(path, {name: value for name, value in options.items() if value is not None})
    loaded.name, loaded.path = OWN_NAME if weights is None else str(weights), path
    return loaded


def read_file(path: Path, options: dict[str, Any]) -> Loaded:
    """A file of any layout. UserError for a file that cannot be used."""
    try:
        return read(path, options)
    except UserError:
        raise
    except native.DAMAGED as error:
        raise UserError(f"{path} does not hold the weights of an EQTransformer that minieqt reads: {error}") from error


def read(path: Path, options: dict[str, Any]) -> Loaded:
    """Recognise a file and read it; any error may come out of a damaged one."""
    if h5py.is_hdf5(path):
        if has_endless_heap(path):
            raise UserError(f"{path} is damaged: the heap of its texts has no end")
        with h5py.File(path, "r") as file:
            own = file.attrs.get("format") == native.FORMAT
        return load_native(path, options) if own else load_keras("Keras 2 (.h5)", read_h5(path), options)
    if not zipfile.is_zipfile(path):
        raise UserError(
            f"{path} is no weight file that minieqt reads: neither HDF5 (minieqt or Keras 2) nor a zip archive "
            "(.keras, .pt, .npz); it may be cut short"
        )
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if "model.weights.h5" in names:
        return load_keras("Keras 3 (.keras)", read_keras(path), options)
    if any(name.endswith("data.pkl") for name in names):
        return load_seisbench("SeisBench (.pt)", read_state(path), read_json(beside(path)), options)
    with np.load(path, allow_pickle=False) as entries:
        arrays = {name: entries[name] for name in entries.files}
    description = json.loads(str(arrays.pop(NPZ_CONFIG))) if NPZ_CONFIG in arrays else {}
    if any(name.startswith("encoder.convs.") for name in arrays):
        return load_seisbench("SeisBench names (.npz)", arrays, description, options)
    layers = read_npz(arrays)
    layers.options |= description
    return load_keras("Keras names (.npz)", layers, options)


def beside(path: Path) -> Path:
    """The description that belongs to a SeisBench file: NAME.pt -> NAME.json, NAME.pt.v2 -> NAME.json.v2."""
    version = re.search(r"\.pt(\.v[^.]+)$", path.name)
    return path.with_name(path.name[: version.start()] + f".json{version[1]}") if version else path.with_suffix(".json")


def read_json(path: Path) -> dict[str, Any]:
    """What a SeisBench .json says about its network, as our options; nothing if there is no such file."""
    if not path.is_file():
        return {}
    arguments = json.loads(path.read_text(encoding="utf-8")).get("model_args", {})
    options = {}
    if "component_order" in arguments:
        options["component_order"] = arguments["component_order"]
    if arguments.get("norm_amp_per_comp") or arguments.get("norm") == "peak":
        options["normalisation"] = "peak"
    elif arguments.get("norm") == "std":
        options["normalisation"] = "window"
    return options


def load_native(path: Path, options: dict[str, Any]) -> Loaded:
    """A file of this package: the arguments that it states, overridden by options."""
    contents = native.read(path)
    check_order(options.pop("component_order", ORDER))
    model = EQTransformer(**{**contents.config, **options})
    model.load(contents.arrays)
    model.eval()
    return Loaded(model, "minieqt", ORDER, attributes=contents.attributes)


def load_keras(layout: str, layers: KerasLayers, options: dict[str, Any]) -> Loaded:
    """The published code's layouts; its conservative model, with three BiLSTM blocks, has hard-sigmoid gates."""
    blocks = sum(len(arrays) == 6 for arrays in layers.arrays.values())
    usual = {"gate": "hard_sigmoid" if blocks == 3 else "sigmoid"}
    order, chosen, assumed = choose(usual, layers.options, options)
    return Loaded(in_our_order(from_keras(layers.arrays, **chosen), order), layout, order, assumed)


def load_seisbench(
    layout: str, state: dict[str, Array], description: dict[str, Any], options: dict[str, Any]
) -> Loaded:
    """SeisBench's layout. Its own LSTM cell (`cell_f`) is only in networks that repeat the published ones.

    SeisBench's `original_compatible`: with its own cell in the phases' LSTMs "conservative", in the BiLSTMs alone
    "non-conservative"; without it, the network is SeisBench's own, with its own crops and epsilon.
    """
    custom = any(re.match(r"bi_lstm_stack\..*cell_f", name) for name in state)
    conservative = any(re.match(r"pick_lstms\..*cell_f", name) for name in state)
    usual = {
        "gate": "hard_sigmoid" if conservative else "sigmoid",
        "crop": "keras" if custom else "seisbench",
        "attention_eps": 1e-7 if custom else 1e-5,
        "component_order": "ZNE",
        "normalisation": "component" if custom else "window",
    }
    order, chosen, assumed = choose(usual, description, options)
    assumed = {name: value for name, value in assumed.items() if name in ("component_order", "normalisation")}
    return Loaded(in_our_order(from_seisbench(state, **chosen), order), layout, order, assumed)


def choose(
    usual: dict[str, Any], description: dict[str, Any], options: dict[str, Any]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Options, else what the file states, else what is usual -> (component order, the rest, what was assumed)."""
    chosen = {"component_order": ORDER} | usual | description | options
    chosen.pop("lstm_blocks", None)  # counted in the file
    order = chosen.pop("component_order")
    check_order(order)
    return order, chosen, {name: value for name, value in usual.items() if name not in description | options}


def check_order(order: str) -> None:
    """UserError unless `order` names the three components once each."""
    if sorted(order) != sorted(ORDER):
        raise UserError(f"a component order names E, N and Z once each, like {ORDER} or ZNE; got {order!r}")


def in_our_order(model: EQTransformer, order: str) -> EQTransformer:
    """Reorder the first convolution's kernels so that they take E, N, Z instead of `order`."""
    W = model.parameters()["encoder.stages.0.conv.W"]
    W[...] = W[:, [order.index(component) for component in ORDER]]
    return model


def save_weights(
    path: Path | str,
    model: EQTransformer,
    layout: str = "minieqt",
    half: bool = False,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Write a network: "minieqt" (HDF5), "keras" or "seisbench" (.npz of their names; components E, N, Z).

    minieqt's layout can be of half precision, and stores texts about the network. An .npz has one entry more,
    `minieqt_config`: a JSON text of what the arrays do not show.
    """
    if layout == "minieqt":
        native.save(path, model, half=half, attributes=attributes)
        return
    if layout not in LAYOUTS or half:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, the first for half precision; got {layout!r}")
    arrays: dict[str, Any] = to_keras(model) if layout == "keras" else to_seisbench(model)
    config = json.dumps({**model.config, "component_order": ORDER})
    with atomic_write(Path(path)) as partial, partial.open("wb") as file:
        np.savez(file, **(arrays | {NPZ_CONFIG: np.array(config)}))

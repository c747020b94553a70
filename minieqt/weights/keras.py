"""Keras's layouts: full models and weights-only files (.h5), Keras 3 archives (.keras), and .npz of Keras names.

Keras numbers layers as they are made (`conv1d_25`), counting on from model to model within a process, so names say
little: layers are told apart by the shapes of their arrays, and within a kind by the order of their numbers. The three
decoders come one after the other where layers are numbered as they were made, and in turn (one stage of each) where
they are numbered by depth; the shapes tell which. Every shape is checked when the network loads the arrays.

    Conv1D kernel (K, C, O), bias (O)         ours W (O, C, K), b
    LSTM kernel (C, 4H), recurrent (H, 4H)    ours W (D, 4H, C), U (D, 4H, H); both have the gates i f c o and one bias
    dense W1 (C, U)                           ours W (U, C)
    additive attention Wt Wx bh Wa ba         the same
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from minieqt.model import EQTransformer

Array = Any

# The arrays of each kind of layer, in Keras's order.
ATTENTION = ("Wt", "Wx", "bh", "Wa", "ba")
VARIABLES = {
    "conv": ("kernel", "bias"),
    "norm": ("gamma", "beta", "moving_mean", "moving_variance"),
    "layernorm": ("gamma", "beta"),
    "lstm": ("kernel", "recurrent_kernel", "bias"),
    "bilstm": tuple(f"{d}/{name}" for d in ("forward", "backward") for name in ("kernel", "recurrent_kernel", "bias")),
    "attention": ATTENTION,
    "feedforward": ("W1", "b1", "W2", "b2"),
}
DIMENSIONS = {  # of a layer's arrays, in that order -> its kind
    (3, 1): "conv",
    (1, 1, 1, 1): "norm",
    (1, 1): "layernorm",
    (2, 2, 1): "lstm",
    (2, 2, 1, 2, 2, 1): "bilstm",
    (2, 2, 1, 2, 1): "attention",
    (2, 1, 2, 1): "feedforward",
}
ATTENTIONS = ("attentionD0", "attentionD", "attentionP", "attentionS")
HEADS = ("detector", "picker_P", "picker_S")
BRANCHES = ("detection", "p.decoder", "s.decoder")


@dataclass
class KerasLayers:
    """What a file holds: {layer: its arrays in Keras's order}, and the arguments of EQTransformer that it states."""

    arrays: dict[str, list[Array]]
    options: dict[str, Any] = field(default_factory=dict)


# -- files -------------------------------------------------------------------------------------------------------


def read_npz(arrays: Mapping[str, Array]) -> KerasLayers:
    """An .npz of "layer/variable" names; the layers stay in the file's order."""
    layers: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        layer, _, variable = name.partition("/")
        layers.setdefault(layer, {})[variable] = array
    order = {variable: place for names in VARIABLES.values() for place, variable in enumerate(names)}
    return KerasLayers(
        {
            layer: [held[variable] for variable in sorted(held, key=lambda name: order.get(name, len(order)))]
            for layer, held in layers.items()
        }
    )


def read_h5(path: Path | str) -> KerasLayers:
    """A Keras 2 file, the full model or its weights alone. OSError, KeyError or ValueError if it is neither."""
    with h5py.File(path, "r") as file:
        weights = file["model_weights"] if "model_weights" in file else file
        arrays = {}
        for layer in map(text, weights.attrs["layer_names"]):
            names = [text(name) for name in weights[layer].attrs["weight_names"]]
            if names:
                arrays[layer] = [weights[layer][name][()] for name in names]
        config = file.attrs.get("model_config")
        return KerasLayers(arrays, {} if config is None else read_config(text(config)))


def read_keras(path: Path | str) -> KerasLayers:
    """A Keras 3 archive: config.json and model.weights.h5, whose layers hold `vars/0`, `vars/1` …"""
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json").decode()
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r") as file:
        arrays = {}
        for name, layer in file["layers"].items():
            parts = [part for part in ("forward_layer/cell", "backward_layer/cell", "cell") if part in layer]
            groups = [layer[part]["vars"] for part in parts] or [layer["vars"]]
            held = [group[str(i)][()] for group in groups for i in range(len(group))]
            if held:
                arrays[name] = held
    return KerasLayers(arrays, read_config(config))


def text(value: Any) -> str:
    """A string that HDF5 may give as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def read_config(model_config: str) -> dict[str, Any]:
    """Gate function and dropout rate from a model's JSON. ValueError if its layers have several gate functions."""
    gates, rates = set(), set()
    for layer in json.loads(model_config)["config"]["layers"]:
        config = layer["config"]
        gates.add(config.get("layer", {}).get("config", {}).get("recurrent_activation"))
        gates.add(config.get("recurrent_activation"))
        if layer["class_name"] == "SpatialDropout1D":
            rates.add(config["rate"])
    gates.discard(None)
    if len(gates) > 1:
        raise ValueError(f"its LSTMs have several gate functions: {', '.join(sorted(gates))}")
    options: dict[str, Any] = {"gate": gates.pop()} if gates else {}
    return options | ({"drop_rate": rates.pop()} if len(rates) == 1 else {})


# -- layers to network -------------------------------------------------------------------------------------------


def number(name: str) -> int:
    """The number that Keras put behind a layer's name, 0 for the first of its kind, which has none."""
    found = re.search(r"_(\d+)$", name)
    return int(found[1]) if found else 0


def sort_layers(layers: Mapping[str, list[Array]]) -> dict[str, list[list[Array]]]:
    """{kind: layers of that kind in the order in which they were made}; heads are the convolutions to one filter."""
    kinds: dict[str, list[tuple[str, list[Array]]]] = {kind: [] for kind in (*VARIABLES, "head")}
    for name, arrays in layers.items():
        kind = DIMENSIONS.get(tuple(array.ndim for array in arrays))
        if kind is None:
            raise ValueError(f"{name} is of no kind that an EQTransformer has")
        kinds["head" if kind == "conv" and arrays[0].shape[2] == 1 else kind].append((name, arrays))
    for kind, published in (("attention", ATTENTIONS), ("head", HEADS)):
        if {name for name, _ in kinds[kind]} == set(published):
            kinds[kind].sort(key=lambda pair: published.index(pair[0]))
    found = {kind: [arrays for _, arrays in sorted(held, key=lambda p: number(p[0]))] for kind, held in kinds.items()}
    found["conv"][-21:] = one_by_one(found["conv"][-21:])
    return found


def one_by_one(convolutions: list[list[Array]]) -> list[list[Array]]:
    """The decoders' 21 convolutions decoder by decoder, if they came stage by stage; as they are otherwise."""
    if len(convolutions) == 21 and convolutions[0][0].shape == convolutions[1][0].shape:
        return [convolution for branch in range(3) for convolution in convolutions[branch::3]]
    return convolutions


def pairs(kinds: dict[str, list[list[Array]]]) -> Iterator[tuple[str, str, list[Array]]]:
    """(our layer, its kind, Keras's arrays) for every layer. ValueError if layers are too few or too many."""
    blocks = len(kinds["bilstm"])
    expected = {"norm": 14 + blocks, "conv": 42 + blocks, "layernorm": 4, "lstm": 2, "attention": 4, "feedforward": 2}
    for kind, count in (expected | {"head": 3}).items():
        if blocks == 0 or len(kinds[kind]) != count:
            raise ValueError(f"{len(kinds[kind])} layers of the kind {kind!r} and {blocks} BiLSTMs: no EQTransformer")
    convolutions, norms = kinds["conv"], kinds["norm"]
    for i in range(7):
        yield f"encoder.stages.{i}.conv", "conv", convolutions[i]
    for i in range(14):
        half = f"rescnn.blocks.{i // 2}.halves.{i % 2}"
        yield f"{half}.norm", "norm", norms[i]
        yield f"{half}.conv", "conv", convolutions[7 + i]
    for i in range(blocks):
        yield f"bilstm.blocks.{i}.lstm", "bilstm", kinds["bilstm"][i]
        yield f"bilstm.blocks.{i}.conv", "conv", convolutions[21 + i]
        yield f"bilstm.blocks.{i}.norm", "norm", norms[14 + i]
    for i in range(2):
        yield f"transformers.{i}.attention", "attention", kinds["attention"][i]
        yield f"transformers.{i}.norm1", "layernorm", kinds["layernorm"][2 * i]
        yield f"transformers.{i}.feedforward", "feedforward", kinds["feedforward"][i]
        yield f"transformers.{i}.norm2", "layernorm", kinds["layernorm"][2 * i + 1]
    for i, phase in enumerate("ps"):
        yield f"{phase}.lstm", "lstm", kinds["lstm"][i]
        yield f"{phase}.attention", "attention", kinds["attention"][2 + i]
    for i, branch in enumerate(BRANCHES):
        for stage in range(7):
            yield f"{branch}.stages.{stage}.conv", "conv", convolutions[21 + blocks + 7 * i + stage]
        yield f"{branch}.head", "conv", kinds["head"][i]


def to_ours(kind: str, arrays: list[Array]) -> dict[str, Array]:
    """{our array: value} of one layer."""
    if kind == "conv":
        return {"W": arrays[0].transpose(2, 1, 0), "b": arrays[1]}
    if kind in ("lstm", "bilstm"):
        kernels, recurrent, biases = (np.stack(arrays[i::3]) for i in range(3))
        return {"W": kernels.transpose(0, 2, 1), "U": recurrent.transpose(0, 2, 1), "b": biases}
    if kind == "feedforward":
        W1, b1, W2, b2 = arrays
        return {"wide.W": W1.T, "wide.b": b1, "narrow.W": W2.T, "narrow.b": b2}
    names = {"norm": ("gamma", "beta", "mean", "variance"), "layernorm": ("gamma", "beta"), "attention": ATTENTION}
    return dict(zip(names[kind], arrays, strict=True))


def from_keras(layers: Mapping[str, list[Array]], **options: Any) -> EQTransformer:
    """{layer: arrays} -> EQTransformer in evaluation mode, built with `options`.

    ValueError if these are not the layers of an EQTransformer, or an array is of another shape.
    """
    kinds = sort_layers(layers)
    ours = {
        f"{layer}.{name}": array
        for layer, kind, arrays in pairs(kinds)
        for name, array in to_ours(kind, arrays).items()
    }
    model = EQTransformer(lstm_blocks=len(kinds["bilstm"]), **options)
    model.load(ours)
    model.eval()
    return model


# -- and back ----------------------------------------------------------------------------------------------------


def from_ours(kind: str, ours: Mapping[str, Array]) -> list[Array]:
    """The inverse of `to_ours`: a layer's arrays in Keras's order."""
    if kind == "conv":
        return [ours["W"].transpose(2, 1, 0), ours["b"]]
    if kind in ("lstm", "bilstm"):
        directions = zip(ours["W"], ours["U"], ours["b"], strict=True)
        return [array for W, U, b in directions for array in (W.T, U.T, b)]
    if kind == "feedforward":
        return [ours["wide.W"].T, ours["wide.b"], ours["narrow.W"].T, ours["narrow.b"]]
    return list(ours.values())


def keras_names(lstm_blocks: int) -> dict[str, list[str]]:
    """{kind: names in the order in which the published code makes such layers}."""

    def numbered(name: str, count: int, first: int = 1) -> list[str]:
        return [f"{name}_{i}" for i in range(first, first + count)]

    return {
        "conv": numbered("conv1d", 42 + lstm_blocks),
        "norm": numbered("batch_normalization", 14 + lstm_blocks),
        "bilstm": numbered("bidirectional", lstm_blocks),
        "lstm": numbered("lstm", 2, lstm_blocks + 1),
        "layernorm": numbered("layer_normalization", 4),
        "feedforward": numbered("feed_forward", 2),
        "attention": list(ATTENTIONS),
        "head": list(HEADS),
    }


def to_keras(model: EQTransformer) -> dict[str, Array]:
    """{"layer/variable": array} of a network's parameters and statistics, under the published code's names."""
    own = model.parameters() | model.state()
    names = keras_names(model.config["lstm_blocks"])
    # `pairs` says which of our layers belongs to which of Keras's: it is given names instead of arrays.
    arrays: dict[str, Array] = {}
    for ours, kind, (name,) in pairs(as_layers(names)):
        held = {path.removeprefix(f"{ours}."): array for path, array in own.items() if path.startswith(f"{ours}.")}
        for variable, array in zip(VARIABLES[kind], from_ours(kind, held), strict=True):
            arrays[f"{name}/{variable}"] = np.ascontiguousarray(array)
    return arrays


def as_layers(names: Mapping[str, Iterable[str]]) -> dict[str, list[list[Any]]]:
    """Each name instead of its layer's arrays, in the form that `pairs` takes."""
    return {kind: [[name] for name in found] for kind, found in names.items()}

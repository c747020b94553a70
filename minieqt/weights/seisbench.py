"""Weights in SeisBench's layout (a PyTorch state dict of its EQTransformer), read and written as NumPy arrays.

Three things differ from ours. PyTorch keeps two biases per LSTM direction where Keras and we keep one: they only ever
act as a sum, so reading adds them, and writing parameters puts all of ours into the first. Each of their gradients
equals ours. The two directions of a BiLSTM are separate arrays, and each vector of a LayerNorm is a column. The
names of an LSTM's arrays depend on SeisBench's class for it: `weight_ih_l0` (and `…_reverse`) for torch.nn.LSTM,
`cell_f.weight_ih` (and `cell_b.…`) for its own cell, which it needs for hard-sigmoid gates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minieqt.model import EQTransformer

Array = Any

NORM = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}
CONV = {"W": "weight", "b": "bias"}
ATTENTION = {name: name for name in ("Wx", "Wt", "bh", "Wa", "ba")}
LAYERNORM = {"gamma": "gamma", "beta": "beta"}


def layer_names(lstm_blocks: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(our layer, SeisBench's layer, {our array: theirs}) for every layer but the LSTMs."""
    for i in range(7):
        yield f"encoder.stages.{i}.conv", f"encoder.convs.{i}", CONV
        for half in range(2):
            ours, theirs = f"rescnn.blocks.{i}.halves.{half}", f"res_cnn_stack.members.{i}"
            yield f"{ours}.norm", f"{theirs}.norm{half + 1}", NORM
            yield f"{ours}.conv", f"{theirs}.conv{half + 1}", CONV
    for i in range(lstm_blocks):
        yield f"bilstm.blocks.{i}.conv", f"bi_lstm_stack.members.{i}.conv", CONV
        yield f"bilstm.blocks.{i}.norm", f"bi_lstm_stack.members.{i}.norm", NORM
    for i, theirs in enumerate(("transformer_d0", "transformer_d")):
        yield f"transformers.{i}.attention", f"{theirs}.attention", ATTENTION
        yield f"transformers.{i}.norm1", f"{theirs}.norm1", LAYERNORM
        yield f"transformers.{i}.feedforward.wide", f"{theirs}.ff.lin1", CONV
        yield f"transformers.{i}.feedforward.narrow", f"{theirs}.ff.lin2", CONV
        yield f"transformers.{i}.norm2", f"{theirs}.norm2", LAYERNORM
    decoders = [("detection", "decoder_d", "conv_d")]
    for i, phase in enumerate(("p", "s")):
        yield f"{phase}.attention", f"pick_attentions.{i}", ATTENTION
        decoders.append((f"{phase}.decoder", f"pick_decoders.{i}", f"pick_convs.{i}"))
    for ours, theirs, head in decoders:
        for i in range(7):
            yield f"{ours}.stages.{i}.conv", f"{theirs}.convs.{i}", CONV
        yield f"{ours}.head", head, CONV


def lstm_names(lstm_blocks: int) -> Iterator[tuple[str, str, int]]:
    """(our LSTM, SeisBench's, number of directions)."""
    for i in range(lstm_blocks):
        yield f"bilstm.blocks.{i}.lstm", f"bi_lstm_stack.members.{i}.lstm", 2
    for i, phase in enumerate(("p", "s")):
        yield f"{phase}.lstm", f"pick_lstms.{i}", 1


def direction_name(kind: str, direction: int, custom_cell: bool) -> str:
    """SeisBench's name of an LSTM array: kind is weight_ih, weight_hh, bias_ih or bias_hh."""
    if custom_cell:
        return f"cell_{'fb'[direction]}.{kind}"
    return f"{kind}_l0{'_reverse' if direction else ''}"


def from_seisbench(
    state: Mapping[str, Array], gate: str = "sigmoid", dtype: str = "float32", **options: Any
) -> EQTransformer:
    """{SeisBench name: array} -> EQTransformer in evaluation mode; the names show the number of LSTM blocks.

    `gate` is "hard_sigmoid" for SeisBench's `original_compatible="conservative"`. Further options go to
    EQTransformer. ValueError if an array is missing or of another shape.
    """
    blocks = {m[1] for name in state if (m := re.match(r"bi_lstm_stack\.members\.(\d+)\.", name))}
    model = EQTransformer(lstm_blocks=max(len(blocks), 1), gate=gate, dtype=dtype, **options)
    own = model.parameters() | model.state()
    arrays: dict[str, Array] = {}
    try:
        for ours, theirs, names in layer_names(len(blocks)):
            for mine, name in names.items():
                if f"{ours}.{mine}" in own:
                    value = np.asarray(state[f"{theirs}.{name}"])
                    arrays[f"{ours}.{mine}"] = value[:, 0] if names is LAYERNORM else value
        for ours, theirs, directions in lstm_names(len(blocks)):
            custom = f"{theirs}.cell_f.weight_ih" in state

            def stacked(kind: str, theirs: str = theirs, D: int = directions, custom: bool = custom) -> Array:
                names = [f"{theirs}.{direction_name(kind, d, custom)}" for d in range(D)]
                return np.stack([np.asarray(state[name], "float64") for name in names])

            arrays[f"{ours}.W"], arrays[f"{ours}.U"] = stacked("weight_ih"), stacked("weight_hh")
            arrays[f"{ours}.b"] = stacked("bias_ih") + stacked("bias_hh")
    except KeyError as missing:
        raise ValueError(f"not a SeisBench EQTransformer: {missing} is missing") from None
    model.load(arrays)
    model.eval()
    return model


def to_seisbench(model: EQTransformer, what: str = "parameters", custom_cell: bool | None = None) -> dict[str, Array]:
    """{SeisBench name: array} of a network's parameters and statistics, or of its gradients.

    `custom_cell` chooses the LSTM's names; None takes what SeisBench needs for the network's gates: its own cell for
    hard-sigmoid ones, torch.nn.LSTM otherwise. ValueError if `what` is neither "parameters" nor "gradients".
    """
    if what not in ("parameters", "gradients"):
        raise ValueError(f'what must be "parameters" or "gradients", got {what!r}')
    gradients = what == "gradients"
    own = model.gradients() if gradients else model.parameters() | model.state()
    lstm_blocks = model.config["lstm_blocks"]
    custom = model.config["gate"] == "hard_sigmoid" if custom_cell is None else custom_cell
    state: dict[str, Array] = {}
    for ours, theirs, names in layer_names(lstm_blocks):
        for mine, name in names.items():
            if f"{ours}.{mine}" in own:
                value = own[f"{ours}.{mine}"].copy()
                state[f"{theirs}.{name}"] = value[:, None] if names is LAYERNORM else value
    for ours, theirs, directions in lstm_names(lstm_blocks):
        for d in range(directions):
            W, U, b = (own[f"{ours}.{name}"][d].copy() for name in "WUb")
            second_bias = b.copy() if gradients else np.zeros_like(b)
            for kind, value in zip(
                ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (W, U, b, second_bias), strict=True
            ):
                state[f"{theirs}.{direction_name(kind, d, custom)}"] = value
    return state

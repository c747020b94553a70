"""What a network attends to in one window, and the activations of its encoder.

    explanation = explain(model, x)              x (3, 6000) as recorded
    draw_attention(x, explanation)               both transformers' maps, the local attention of P and S
    draw_encoder(x, explanation)                 the activations after each of the encoder's seven stages

A step of the attention is 128 samples long. A row of a map is the step that looks, a column the step looked at; a row's
weights add up to 1 (the local ones to less, see `minieqt.layers.attention`). After the figures of Mousavi et al. 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minieqt.backend import to_numpy
from minieqt.data.normalise import normalise
from minieqt.errors import UserError
from minieqt.inference.predict import predict
from minieqt.model import EQTransformer
from minieqt.plots import (
    BLACK,
    BLUE,
    COLOURS,
    COMPONENTS,
    SAMPLING_RATE,
    STYLES,
    VERMILION,
    mark_arrivals,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = Any

MAP = "cividis"  # looks nearly the same with and without colour blindness (Nuñez et al. 2018)


@dataclass(frozen=True)
class Explanation:
    """probabilities (3, T) of detection, P, S; transformers: the two maps (steps, steps); local {"P", "S": (steps,
    steps)}, zero outside the band; encoder: seven activations (channels, steps), from fine to coarse."""

    probabilities: Array
    transformers: list[Array]
    local: dict[str, Array]
    encoder: list[Array]

    def arrays(self) -> dict[str, Array]:
        """Everything by name, for an .npz."""
        named = {f"transformer{i}": a for i, a in enumerate(self.transformers, 1)}
        named |= {f"local_{phase}": a for phase, a in self.local.items()}
        return {"probabilities": self.probabilities} | named | {f"encoder{i}": a for i, a in enumerate(self.encoder, 1)}


def explain(model: EQTransformer, x: Array) -> Explanation:
    """One window x (3, T) as recorded, through a network in evaluation mode. UserError for another length."""
    if x.shape != (3, model.length):
        raise UserError(f"these weights are for windows of (3, {model.length}) samples, got {x.shape}")
    model.eval()
    window = normalise(x[None].astype(np.float32), model.config["normalisation"])
    probabilities = predict(model, window)[0]
    encoder, h = [], model.own(window)
    for stage in model.encoder.stages:
        h = stage.forward(h)
        encoder.append(to_numpy(h)[0])
    return Explanation(
        probabilities,
        [to_numpy(transformer.attention.weights)[0] for transformer in model.transformers],
        {"P": to_numpy(model.p.attention.weights)[0], "S": to_numpy(model.s.attention.weights)[0]},
        encoder,
    )


# -- figures -------------------------------------------------------------------------------------------------------


def draw_attention(
    x: Array, explanation: Explanation, analyst: dict[str, float] | None = None, title: str = ""
) -> Figure:
    """The window x (3, T), its probabilities, and below them, on the same axis of time, every attention.

    analyst: {"P": sample, "S": sample}, drawn as lines; NaN or absent where there is none.
    """
    length = x.shape[1] / SAMPLING_RATE
    figure = new_figure(figsize=(9, 12))
    panels = figure.subplots(9, 1, sharex=True, height_ratios=(1, 1, 1, 1.2, 1, 3.2, 3.2, 1, 1))
    analyst = analyst or {}
    draw_traces(panels[:3], x)
    seconds = np.arange(x.shape[1]) / SAMPLING_RATE
    for (name, colour), probability in zip(COLOURS.items(), explanation.probabilities, strict=True):
        panels[3].plot(seconds, probability, color=colour, linestyle=STYLES[name], label=name)
    panels[3].set(ylabel="probability", ylim=(-0.05, 1.05))
    steps = explanation.transformers[0].shape[0]
    end = steps * 2 ** len(explanation.encoder) / SAMPLING_RATE  # a little beyond the window: pooling pads
    middle = (np.arange(steps) + 0.5) * end / steps
    looks = ((BLACK, "-"), (BLUE, "--"))
    for i, (a, (colour, style)) in enumerate(zip(explanation.transformers, looks, strict=True), 1):
        panels[4].step(middle, a.mean(axis=0), where="mid", color=colour, linestyle=style, label=f"transformer {i}")
        image = panels[4 + i].imshow(a, MAP, aspect="auto", origin="lower", extent=(0, end, 0, end), vmin=0)
        panels[4 + i].set(ylabel=f"transformer {i}:\ntime that looks (s)")
        figure.colorbar(image, ax=panels[4 + i], label="weight", pad=0.01)
    panels[4].set(ylabel="mean\nweight", ylim=(0, None))
    for axes, (phase, a) in zip(panels[7:], explanation.local.items(), strict=True):
        band = np.stack([np.pad(np.diagonal(a, -1), (1, 0)), np.diagonal(a), np.pad(np.diagonal(a, 1), (0, 1))])
        image = axes.imshow(band, MAP, aspect="auto", origin="lower", extent=(0, end, -1.5, 1.5), vmin=0, vmax=1)
        axes.set(ylabel=f"{phase}: looks at", yticks=(-1, 0, 1), yticklabels=("before", "itself", "after"))
        figure.colorbar(image, ax=axes, label="weight", pad=0.01)
    for axes in panels[:5]:
        mark_arrivals(axes, analyst, {})
    for axes in panels[5:]:
        for sample in analyst.values():
            if np.isfinite(sample):
                axes.axvline(sample / SAMPLING_RATE, color="white", linewidth=0.8, linestyle=":")
    panels[-1].set(xlabel="time looked at, from the window's start (s)", xlim=(0, length))
    figure.align_ylabels(panels)
    handles, labels = panels[3].get_legend_handles_labels()
    more, names = panels[4].get_legend_handles_labels()
    found = dict(zip(labels + names, handles + more, strict=True))
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=7, frameon=False, fontsize="small")
    figure.suptitle(title)
    return figure


def draw_encoder(
    x: Array, explanation: Explanation, analyst: dict[str, float] | None = None, title: str = ""
) -> Figure:
    """The window x (3, T), and below it the activations after each stage: a line per channel, brighter is more."""
    length = x.shape[1] / SAMPLING_RATE
    stages = len(explanation.encoder)
    figure = new_figure(figsize=(9, 1.1 * (3 + stages) + 1))
    panels = figure.subplots(3 + stages, 1, sharex=True)
    draw_traces(panels[:3], x)
    for axes in panels[:3]:
        mark_arrivals(axes, analyst or {}, {})
    for i, (axes, a) in enumerate(zip(panels[3:], explanation.encoder, strict=True), 1):
        top = max(float(np.percentile(a, 99.5)), 1e-12)
        end = a.shape[1] * 2**i / SAMPLING_RATE  # pooling pads: the last step may reach beyond the window
        image = axes.imshow(a, MAP, aspect="auto", extent=(0, end, len(a), 0), vmin=0, vmax=top, interpolation="none")
        axes.set(ylabel=f"stage {i}\n{len(a)} × {a.shape[1]}", yticks=())
        figure.colorbar(image, ax=axes, pad=0.01, label="activation" if i == (stages + 1) // 2 else None)
        for sample in (analyst or {}).values():
            if np.isfinite(sample):
                axes.axvline(sample / SAMPLING_RATE, color=VERMILION, linewidth=0.8, linestyle=":")
    panels[-1].set(xlabel="time from the window's start (s)", xlim=(0, length))
    figure.align_ylabels(panels)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    figure.suptitle(title)
    return figure


def draw_traces(panels: Any, x: Array) -> None:
    """Three components on three panels."""
    seconds = np.arange(x.shape[1]) / SAMPLING_RATE
    for axes, trace, component in zip(panels, x, COMPONENTS, strict=True):
        axes.plot(seconds, trace, color=BLACK, linewidth=0.5)
        axes.set_ylabel(f"{component}, as\nrecorded")

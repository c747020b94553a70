"""The figures of an evaluation. Every function returns a matplotlib Figure; see `minieqt.plots` for their style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minieqt.data.inspect import EDGES
from minieqt.data.table import RATE, TraceTable
from minieqt.evaluation.answers import OUTPUTS
from minieqt.evaluation.bins import bins
from minieqt.evaluation.metrics import TOLERANCES
from minieqt.evaluation.scores import Contender
from minieqt.evaluation.sweep import outcomes, sweep
from minieqt.evaluation.uncertainty import BINS
from minieqt.plots import BLACK, BLUE, COLOURS, GREEN, ORANGE, PURPLE, SKY, STYLES, VERMILION, new_figure, shared_legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = Any

PALETTE = (BLACK, VERMILION, BLUE, GREEN, ORANGE, SKY, PURPLE)
TOLERANCE = TOLERANCES[0]  # s, of all figures
REACH = 1.0  # s, of the residuals that are drawn


def styles(contenders: Sequence[Contender]) -> dict[str, dict[str, Any]]:
    """{name: colour, style and width of its line}; no two in one panel look alike, and networks are solid and wide."""
    found = {}
    others = {"detection": 0, "phases": 0}
    networks = sum(contender.kind != "baseline" for contender in contenders)
    for i, contender in enumerate(contenders):
        if contender.kind == "baseline":
            group = "detection" if "detection" in contender.answers.heights else "phases"
            number, others[group] = networks + others[group], others[group] + 1
            look: dict[str, Any] = {"linestyle": ":" if group == "detection" else "--", "linewidth": 1.4}
        else:
            number = i
            look = {"linestyle": "-" if i == 0 else "-.", "linewidth": 2 if i == 0 else 1.4}
        found[contender.name] = {"color": PALETTE[number % len(PALETTE)]} | look
    return found


def title_of(output: str) -> str:
    """What a panel shows."""
    return output if output == "detection" else f"{output} within {TOLERANCE:g} s"


def precision_recall(contenders: Sequence[Contender], table: TraceTable) -> Figure:
    """Precision against recall over all thresholds, one panel per output; a dot where each contender stands."""
    figure = new_figure(figsize=(11, 4.6))
    panels = figure.subplots(1, 3, sharey=True)
    look = styles(contenders)
    for axes, output in zip(panels, OUTPUTS, strict=True):
        grid = np.linspace(0.01, 1, 200)
        for f1 in (0.5, 0.7, 0.8, 0.9, 0.95):
            right = grid[grid > f1 / 2 + 0.005]
            axes.plot(right, f1 * right / (2 * right - f1), color="0.85", linewidth=0.7, zorder=0)
            place = (1.005, f1 / (2 - f1))  # where the curve meets recall 1
            axes.annotate(f"F1 {f1:g}", place, fontsize=6, color="0.5", va="center", annotation_clip=False)
        for contender in contenders:
            if output not in contender.answers.heights:
                continue
            every = sweep(contender.answers, table, output, TOLERANCE)
            axes.plot(every.recall, every.precision, label=contender.name, **look[contender.name])
            here = every.at(np.array([contender.thresholds[output]]))
            axes.plot(here.recall, here.precision, "o", color=look[contender.name]["color"], markersize=6)
        axes.set(title=title_of(output), xlabel="recall", xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(alpha=0.3, linewidth=0.5)
    panels[0].set_ylabel("precision")
    shared_legend(figure, panels)
    return figure


def residuals(contenders: Sequence[Contender], table: TraceTable) -> Figure:
    """Histograms of pick minus analyst within REACH, a row per contender; how many lie beyond is written."""
    pickers = [contender for contender in contenders if contender.answers.samples]
    figure = new_figure(figsize=(9, 1.2 + 0.85 * len(pickers)))
    panels = figure.subplots(len(pickers), 2, sharex=True, squeeze=False)
    look = styles(contenders)
    edges = np.linspace(-REACH, REACH, round(2 * REACH / 0.05) + 1)
    for line, contender in zip(panels, pickers, strict=True):
        line[0].set_ylabel(contender.name.replace(" (", "\n("), rotation=0, ha="right", va="center")
        for axes, phase in zip(line, "PS", strict=True):
            if phase not in contender.answers.samples:
                axes.text(0.5, 0.5, f"picks no {phase}", transform=axes.transAxes, ha="center", color="0.5")
                axes.set_yticks([])
                continue
            found = outcomes(contender.answers, table, phase, contender.thresholds[phase], REACH)
            assert found.residual is not None
            axes.axvline(0, color="0.6", linewidth=0.7, zorder=0)
            beyond = int(np.sum(found.wrong & table.earthquake))
            axes.hist(found.residual[found.right], edges, color=look[contender.name]["color"])
            text = f"{int(np.sum(found.right))} shown,\n{beyond} beyond"
            axes.text(0.98, 0.9, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)
            axes.grid(alpha=0.3, linewidth=0.5)
    for axes, phase in zip(panels[0], "PS", strict=True):
        axes.set(title=f"{phase}, picks per 0.05 s", xlim=(-REACH, REACH), xticks=np.linspace(-REACH, REACH, 5))
    for axes in panels[-1]:
        axes.set_xlabel("pick minus analyst (s)")
    return figure


def thresholds(contender: Contender, table: TraceTable) -> Figure:
    """Precision, recall and F1 against the threshold, one panel per output; the threshold in use is a line."""
    figure = new_figure(figsize=(11, 4))
    panels = figure.subplots(1, 3, sharey=True)
    grid = np.linspace(0.005, 0.995, 199)
    for axes, output in zip(panels, OUTPUTS, strict=True):
        every = sweep(contender.answers, table, output, TOLERANCE)
        at = every.at(grid)
        for name, values, colour, style in (
            ("precision", at.precision, BLUE, "--"),
            ("recall", at.recall, VERMILION, ":"),
            ("F1", at.f1, BLACK, "-"),
        ):
            axes.plot(grid, values, color=colour, linestyle=style, label=name)
        used = contender.thresholds[output]
        axes.axvline(used, color="0.5", linewidth=0.8, label="threshold in use")
        best, f1 = every.best()
        if np.isfinite(f1):
            axes.plot(best, f1, "*", color=BLACK, markersize=11, label="best F1")
        axes.set(title=title_of(output), xlabel="threshold", xlim=(0, 1), ylim=(0, 1.03))
        axes.grid(alpha=0.3, linewidth=0.5)
    panels[0].set_ylabel("precision, recall, F1")
    shared_legend(figure, panels)
    return figure


def recall_by_bin(contender: Contender, table: TraceTable) -> Figure:
    """Recall by magnitude, distance, S − P and SNR, with 95 % intervals (Wilson 1927) and the bins' sizes."""
    figure = new_figure(figsize=(11, 7))
    panels = figure.subplots(2, 2, sharey=True)
    found = bins(table)
    for axes, quantity in zip(panels.flat, EDGES, strict=True):
        mine = [(name, rows) for each, name, rows in found if each == quantity]
        places = np.arange(len(mine))
        for shift, output, marker in zip((-0.15, 0, 0.15), OUTPUTS, "osD", strict=True):
            recall, low, high = np.full((3, len(mine)), np.nan)
            for k, (_, rows) in enumerate(mine):
                part = outcomes(
                    contender.answers.take(rows), table.take(rows), output, contender.thresholds[output], TOLERANCE
                )
                right, total = int(np.sum(part.right)), int(np.sum(part.right | part.missed))
                if total:
                    recall[k] = right / total
                    low[k], high[k] = wilson(right, total)
            colour = COLOURS[output]
            axes.errorbar(
                places + shift, recall, [recall - low, high - recall], fmt=marker, color=colour, capsize=2, label=output
            )
        axes.set_xticks(places, [f"{name}\nn = {len(rows):,}" for name, rows in mine], fontsize=8)
        axes.set(xlabel=quantity, ylim=(-0.03, 1.05), xlim=(-0.5, max(len(mine), 1) - 0.5))
        axes.grid(alpha=0.3, linewidth=0.5, axis="y")
    for axes in panels[:, 0]:
        axes.set_ylabel("recall")
    shared_legend(figure, panels.flat)
    return figure


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); rounding never puts the share itself outside."""
    share, z = right / total, 1.96
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return float(min(max(middle - half, 0), share)), float(max(min(middle + half, 1), share))


def reliability_diagram(curves: dict[str, tuple[Array, Array, Array]]) -> Figure:
    """How often picks of a probability are right, against that probability, and how many there are.

    curves: {output: (mean probability, share right, count)} of each bin, see `uncertainty.reliability`.
    """
    figure = new_figure(figsize=(6, 6.5))
    share, count = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    share.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, label="as often as it says")
    for shift, (output, (probability, right, number)) in enumerate(curves.items()):
        look = {"color": COLOURS[output], "linestyle": STYLES[output]}
        share.plot(probability, right, marker="osD"[shift], label=title_of(output), **look)
        for p, r, n in zip(probability, right, number, strict=True):
            low, high = wilson(round(r * n), int(n))
            share.plot([p, p], [low, high], color=COLOURS[output], linewidth=0.8)
        width = 0.025
        centre = (np.minimum(np.floor(probability * BINS), BINS - 1) + 0.5) / BINS
        count.bar(centre + (shift - 1) * width, number, width, color=COLOURS[output])
    share.set(ylabel="share that is right", ylim=(-0.03, 1.03))
    share.legend(frameon=False, loc="lower right")
    count.set(xlabel="probability", ylabel="windows", yscale="log", xlim=(0, 1))
    for axes in (share, count):
        axes.grid(alpha=0.3, linewidth=0.5)
    return figure


def spread_against_residual(contender: Contender, table: TraceTable) -> Figure:
    """|residual| of every pick against its spread over Monte-Carlo samples: in time (left), in probability (right)."""
    figure = new_figure(figsize=(10, 4.5))
    panels = figure.subplots(1, 2, sharey=True)
    for axes in panels:  # before anything is drawn: the limits of an empty linear axis would hold zero
        axes.set(xscale="log", yscale="log")
    floor = 0.5 / RATE  # half a sample: zero has no place on a logarithmic axis
    for phase, marker in zip("PS", "oD", strict=True):
        found = outcomes(contender.answers, table, phase, contender.thresholds[phase], np.inf)
        assert found.residual is not None
        error = np.maximum(np.abs(found.residual[found.right]), floor)
        for axes, name, least in ((panels[0], f"{phase} time", floor), (panels[1], phase, 1e-4)):
            spread = np.maximum(contender.answers.spreads[name][found.right], least)
            axes.plot(spread, error, marker, color=COLOURS[phase], markersize=4, alpha=0.6, label=phase, mew=0)
    panels[0].axline((0.01, 0.01), (1, 1), color="0.6", linewidth=0.8, label="equal")
    panels[0].set(xlabel="spread of the pick's time (s)", ylabel="|pick minus analyst| (s)")
    panels[1].set(xlabel="spread of the pick's probability")
    for axes in panels:
        axes.axhline(TOLERANCE, color=BLACK, linewidth=0.7, linestyle=":", label=f"{TOLERANCE:g} s")
        axes.grid(alpha=0.3, linewidth=0.5)
    shared_legend(figure, panels)
    return figure

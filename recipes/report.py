"""What the own weights are worth: the test windows, region by region, with other networks and the classics beside.

Every picker answers the same windows. Baselines are tuned on one half of the events and scored on the other, and the
other way round. Intervals are bootstrapped over earthquakes; a region of one or two earthquakes has none worth the
name, whatever the table says.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data import open_dataset
from minieqt.data.normalise import normalise
from minieqt.data.split import PARTS, given_split
from minieqt.data.table import TraceTable
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.network_picker import NetworkPicker
from minieqt.evaluation.report import cell, grid
from minieqt.evaluation.scores import Contender, scores
from minieqt.evaluation.study import Study
from minieqt.evaluation.sweep import outcomes
from minieqt.evaluation.tuning import halves, tuned_baselines
from minieqt.files import write_text
from minieqt.inference.peaks import THRESHOLDS
from minieqt.plots import COLOURS, new_figure, save_figure
from minieqt.weights import load_weights

Array = Any
Figure = Any


def write_report(weights: Path, beside: Sequence[Path], real: Path, out: Path) -> str:
    """Write OUT/ with the study of the test windows and by_region.md; returns that table.

    real: the folder that `gather` wrote; beside: other networks' weight files.
    """
    networks = [NetworkPicker(load_weights(path), THRESHOLDS, path.stem) for path in (weights, *beside)]
    with open_dataset(real / "windows.hdf5") as dataset:
        test = given_split(dataset.table, real)[PARTS.index("test")]
        rows, answers, _ = answer_windows(networks, dataset, test)
        tuned = tuned_baselines(dataset, halves(dataset.table, rows))
        table = dataset.table.take(rows)
    pairs = zip(networks, answers, strict=True)
    contenders = [Contender(network.name, "network", answer, THRESHOLDS) for network, answer in pairs]
    contenders += [Contender(t.name, "baseline", t.answers, dict.fromkeys(THRESHOLDS, 0.0), t.how) for t in tuned]
    Study("real test windows", table, contenders).write(out)
    text = by_region(contenders, table, region_of(table, real / "sets.csv"))
    write_text(out / "by_region.md", text)
    with open_dataset(real / "windows.hdf5") as dataset:
        save_figure(failures(networks[0], contenders[0], dataset, rows, table), out / "failures.png")
    return text


def failures(
    network: NetworkPicker, own: Contender, dataset: Any, rows: Array, table: TraceTable, most: int = 9
) -> Figure:
    """Windows that the own network got wrong: a wrong pick, an arrival missed, a pick in noise; the surest picks first.

    Vertical component with the analyst's arrivals (lines), below it the probabilities of P (blue) and S (red).
    """
    wrong = np.zeros(len(table), bool)
    for phase in "PS":
        found = outcomes(own.answers, table, phase, own.thresholds[phase], 0.5)
        wrong |= found.wrong | found.missed
    height = np.fmax(own.answers.heights["P"], own.answers.heights["S"])
    shown = [i for i in np.argsort(-height, kind="stable").tolist() if wrong[i]][:most]
    figure = new_figure(figsize=(15, 2.6 * max(1, -(-len(shown) // 3))))
    for place, i in enumerate(shown, 1):
        axes = figure.add_subplot(-(-len(shown) // 3), 3, place)
        x = dataset.read(int(rows[i]))
        z = x[2] - x[2].mean()
        seconds = np.arange(z.size) / 100
        axes.plot(seconds, z / max(np.abs(z).max(), 1e-30), color="0.4", linewidth=0.5)
        _, p, s = network.model.forward(normalise(x[None], network.model.config["normalisation"]))
        for name, probability, arrival in (("P", p[0], table.p_sample[i]), ("S", s[0], table.s_sample[i])):
            axes.plot(seconds, probability - 2.2, color=COLOURS[name], linewidth=0.9)
            if np.isfinite(arrival):
                axes.axvline(arrival / 100, color=COLOURS[name], linewidth=0.9, alpha=0.7)
        axes.set_title(str(table.name[i]), fontsize=7)
        axes.set_yticks([])
        axes.set_xlabel("s", fontsize=7)
    figure.suptitle(
        "vertical component; lines: labelled P (blue), S (red); curves below: their probabilities", fontsize=9
    )
    return figure


def region_of(table: TraceTable, path: Path) -> Array:
    """(N,) the region of each window."""
    with open(path, newline="", encoding="utf-8") as file:
        known = {row["trace_name"]: row["region"] for row in csv.DictReader(file)}
    return np.array([known[name] for name in table.name.tolist()])


def by_region(contenders: Sequence[Contender], table: TraceTable, region: Array) -> str:
    """F1 of P and S within 0.5 s with intervals, and false picks in noise, a line a region and picker."""
    lines = []
    for name in ("all", *np.unique(region).tolist()):
        here = np.flatnonzero((region == name) | (name == "all"))
        windows = table.take(here)
        noise = ~windows.earthquake
        for contender in contenders:
            if contender.kind != "network" and name != "all":
                continue
            answers = contender.answers.take(here)
            part = Contender(contender.name, contender.kind, answers, contender.thresholds)
            found = {row["output"]: row for row in scores(part, windows) if row["tolerance_s"] in (None, 0.5)}
            line = [name, contender.name, f"{int(windows.earthquake.sum())} + {int(noise.sum())}"]
            for output in ("detection", "P", "S"):
                row = found.get(output, {"f1": np.nan})
                known = np.isfinite(row["f1"])
                line.append(f"{cell(row['f1'])} ({row['f1_low']:.2f} to {row['f1_high']:.2f})" if known else "")
            picked = [answers.picks(p, contender.thresholds[p]) >= 0 for p in "PS" if p in answers.samples]
            line.append(str(int((np.any(picked, axis=0) & noise).sum())) if picked else "")
            lines.append(line)
    return grid(["region", "picker", "windows (+ noise)", "detection", "P", "S", "noise windows with a pick"], lines)

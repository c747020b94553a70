"""Pictures of a data set: histograms, a map, and windows before and after each kind of augmentation."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from minieqt.data.augmentation import AUGMENTED, Augmentation
from minieqt.data.draw import LOUD
from minieqt.data.inspect import EDGES, measures
from minieqt.data.make_windows import Making, Wanted, make_windows
from minieqt.data.partners import NOBODY
from minieqt.data.table import COMPONENTS, SAMPLES, Dataset
from minieqt.errors import UserError
from minieqt.plots import BLACK, BLUE, COLOURS, STYLES, VERMILION, new_figure
from minieqt.tables.missing import number

Array = Any

GREY = "#777777"
PLACES = {  # latitude and longitude, in STEAD's columns and in SeisBench's
    "stations": (
        ("receiver_latitude", "receiver_longitude"),
        ("station_latitude_deg", "station_longitude_deg"),
    ),
    "earthquakes": (
        ("source_latitude", "source_longitude"),
        ("source_latitude_deg", "source_longitude_deg"),
    ),
}
NOTHING = replace(Augmentation(), **{field.name: 0.0 for field in fields(Augmentation)})
KINDS = {  # not the scale: normalisation undoes it
    "as recorded": NOTHING,
    "shift": replace(NOTHING, shift=1.0),
    "second event": replace(NOTHING, second_event=1.0),
    "noise added": replace(NOTHING, noise=1.0),
    "channels dropped": replace(NOTHING, drop_channels=1.0),
    "gap": replace(NOTHING, gap=1.0, earthquake_gap=1.0),
    "real noise added": replace(NOTHING, real_noise=1.0),
    "another event added": replace(NOTHING, other_event=1.0),
    "played faster or slower": replace(NOTHING, stretch=1.0),
    "rotated": replace(NOTHING, rotate=1.0),
    "flipped": replace(NOTHING, flip=1.0),
    "pre-emphasis": replace(NOTHING, pre_emphasis=0.97),
    "all at their published rates": Augmentation(),
}

SEED = 1
DRAWS = 50  # tried until one shows something: a gap that would touch the earthquake, say, is left out


def draw_histograms(dataset: Dataset) -> Any:
    """A figure of magnitude, distance, S − P and signal-to-noise ratio; how many lie beyond EDGES is written."""
    table = dataset.table
    figure = new_figure(figsize=(9, 6))
    for axes, (name, values) in zip(figure.subplots(2, 2).flat, measures(table).items(), strict=True):
        known = values[np.isfinite(values)]
        low, high = EDGES[name][[0, -1]]
        shown = known[(known >= low) & (known <= high)]
        if len(shown):
            axes.hist(shown, bins=min(50, max(10, len(shown) // 5)), color=BLUE)
        elif not len(known):
            axes.text(0.5, 0.5, "not known", transform=axes.transAxes, ha="center", color=GREY)
        beyond = len(known) - len(shown)
        label = f"{name} ({beyond:,} more beyond {low:g} … {high:g})" if beyond else name
        axes.set(xlabel=label, ylabel="earthquakes")
    figure.suptitle(f"{table.earthquake.sum():,} earthquakes, {(~table.earthquake).sum():,} noise windows")
    return figure


def draw_map(dataset: Dataset) -> Any:
    """A figure of stations and epicentres, or None where the table has no coordinates."""
    found = {what: _places(dataset, choices) for what, choices in PLACES.items()}
    if not any(len(points) for points in found.values()):
        return None
    figure = new_figure(figsize=(9, 6))
    axes = figure.subplots()
    latitude, longitude = found["earthquakes"].T
    axes.scatter(longitude, latitude, s=6, color=VERMILION, alpha=0.4, label=f"{len(latitude):,} epicentres")
    latitude, longitude = found["stations"].T
    axes.scatter(longitude, latitude, s=36, marker="^", color=BLUE, label=f"{len(latitude):,} stations")
    middle = np.concatenate(list(found.values()))[:, 0].mean()
    axes.set_aspect(1 / max(np.cos(np.radians(middle)), 0.1), adjustable="datalim")
    axes.set(xlabel="longitude (°)", ylabel="latitude (°)")
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    return figure


def _places(dataset: Dataset, choices: tuple[tuple[str, str], ...]) -> Array:
    """The different places (n, 2), latitude and longitude, that these columns name."""
    for names in choices:
        try:
            rows = dataset.columns(*names).values()
        except UserError:
            continue
        places = {(number(one), number(other)) for one, other in rows}
        return np.array([place for place in sorted(places) if not np.isnan(place).any()]).reshape(-1, 2)
    return np.empty((0, 2))


def draw_windows(dataset: Dataset) -> Any:
    """A figure of one loud earthquake and of one noise window: as recorded, and after each kind of augmentation."""
    rows = _examples(dataset)
    raw = np.zeros((len(rows), COMPONENTS, SAMPLES), np.float32)
    dataset.read_into(rows, raw)
    figure = new_figure(figsize=(7 * len(rows), 1.9 * len(KINDS)))
    panels = figure.subplots(len(KINDS), len(rows), squeeze=False, sharex=True)
    seconds = np.arange(SAMPLES) / 100
    x, labels = np.zeros((2, *raw.shape), np.float32)
    recorded = x[0]
    for line, (kind, augmentation) in zip(panels, KINDS.items(), strict=True):
        which, copies = np.arange(len(rows)), np.full(len(rows), AUGMENTED)
        fits = np.flatnonzero(dataset.table.earthquake[rows] == (augmentation.other_event > 0))[:1]
        partners = np.repeat([fits, rows[fits]] if len(fits) else [[NOBODY]] * 2, len(rows), axis=1)
        for epoch in range(DRAWS):
            wanted = Wanted(rows, copies, which, epoch, partners)
            make_windows(raw, dataset.table, wanted, Making(augmentation, SEED), x, labels)
            if augmentation == NOTHING:
                recorded = x[0].copy()
            if augmentation == NOTHING or not np.array_equal(x[0], recorded):
                break
        for i, axes in enumerate(line):
            for c in range(COMPONENTS):
                axes.plot(seconds, x[i, c] / max(np.abs(x[i, c]).max(), 1) - 2 * c, lw=0.4, color=BLACK)
            for name, label in zip(COLOURS, labels[i], strict=True):
                labelled = np.where(label < 0, np.nan, label)  # no line where nobody looked
                axes.plot(seconds, 1.4 * labelled - 7.2, STYLES[name], lw=1.2, color=COLOURS[name], label=name)
            name = dataset.table.name[rows[i]]
            axes.set(title=f"{name}: {kind}", yticks=[0, -2, -4, -6.5], yticklabels=[*"ENZ", "labels"], xlim=(0, 60))
    for axes in panels[-1]:
        axes.set(xlabel="time (s)")
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=3, frameon=False)
    return figure


def _examples(dataset: Dataset) -> Array:
    """An earthquake that everything can be done to, if there is one, and a noise window: rows of sound traces."""
    table = dataset.table
    loud = np.nan_to_num(table.snr_db, nan=-1).min(axis=1) >= LOUD
    roomy = table.earthquake & loud & (table.coda_end < 3500)
    found = [_sound(dataset, roomy) or _sound(dataset, table.earthquake), _sound(dataset, ~table.earthquake)]
    return np.array([row for rows in found for row in rows] or [0])


def _sound(dataset: Dataset, candidates: Array) -> list[int]:
    """The first of the first twenty candidates with three live components, or none."""
    rows = np.flatnonzero(candidates)[:20]
    windows = np.zeros((len(rows), COMPONENTS, SAMPLES), np.float32)
    bad = dataset.read_into(rows, windows)
    alive = (np.ptp(windows, axis=-1) > 0).all(axis=-1)
    return [int(row) for i, row in enumerate(rows) if alive[i] and i not in bad][:1]

"""The pictures show what the data set holds."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.data.figures import KINDS, draw_histograms, draw_map, draw_windows


def test_the_map_holds_every_place_once(dataset):
    (axes,) = draw_map(dataset).axes
    earthquakes, stations = (collection.get_offsets() for collection in axes.collections)
    table = dataset.table
    assert len(earthquakes) == len(np.unique(table.event[table.earthquake]))
    assert len(stations) == len(np.unique(table.station))
    places = dataset.columns("receiver_longitude", "receiver_latitude").values()
    assert {tuple(place) for place in stations.tolist()} == {(float(x), float(y)) for x, y in places}  # longitude is x


def test_without_coordinates_there_is_no_map(write, shared):
    with open_dataset(*write({"A.XX_1_EV": {}, "A.XX_2_NO": {}})) as dataset:
        assert draw_map(dataset) is None
    with open_dataset(shared / "data/obs56.hdf5") as dataset:  # a table that has no such columns
        assert draw_map(dataset) is None


def test_histograms_count_every_earthquake(dataset):
    for axes in draw_histograms(dataset).axes:
        assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(dataset.table.earthquake.sum(), abs=1)


def test_a_histogram_tells_of_what_it_does_not_show(write):
    with open_dataset(*write({"A.XX_1_EV": {"source_magnitude": 99}, "A.XX_2_EV": {}})) as dataset:
        magnitude, distance = draw_histograms(dataset).axes[:2]
    assert magnitude.get_xlabel() == "magnitude (1 more beyond -2 … 10)" and not magnitude.texts
    assert [text.get_text() for text in distance.texts] == ["not known"]


def test_a_row_for_each_augmentation(write):
    with open_dataset(*write({"A.XX_1_EV": {}, "A.XX_2_NO": {}})) as dataset:
        figure = draw_windows(dataset)
    assert len(figure.axes) == 2 * len(KINDS)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].endswith("_EV: as recorded") and titles[-1].endswith("_NO: all at their published rates")
    traces = [np.stack([line.get_ydata() for line in axes.lines]) for axes in figure.axes[::2]]
    for changed, kind in zip(traces[1:], list(KINDS)[1:], strict=True):
        # The background of these windows is as loud as their earthquake: no noise is added, and no other one shows.
        assert np.array_equal(changed, traces[0]) == (kind in ("real noise added", "another event added")), kind

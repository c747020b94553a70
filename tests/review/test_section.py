"""Several stations under each other: who stands where, and what the page shows of it."""

from __future__ import annotations

import numpy as np
import pytest
from review_cases import AT, START, event, records, write_out

from minieqt.records.archive import open_archive
from minieqt.records.channel import Instrument
from minieqt.records.selection import Selection
from minieqt.records.span import SECOND
from minieqt.records.stations import Coordinates, Epoch
from minieqt.review.desk import Review
from minieqt.review.journal import Journal
from minieqt.review.queue import draw_sample, make_queue
from minieqt.review.state import key_of, read_out
from minieqt.review.waveforms import Waveforms

pytest.importorskip("bokeh", reason="Bokeh is not installed")

STATIONS = [Instrument("XX", name, "", "HH") for name in ("AAA", "BBB", "CCC")]
P = {"AAA": 104, "BBB": 101, "CCC": 110}  # s after START: BBB is the nearest
PLACES = {"AAA": (36.0, 140.3), "BBB": (36.0, 140.0), "CCC": (36.0, 140.9)}


def coordinates(*names):
    return Coordinates({("XX", name): [Epoch(None, None, (*PLACES[name], 0.0))] for name in names})


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """(OUT, records) of one earthquake at three stations."""
    folder = tmp_path_factory.mktemp("network")
    files, events = [], []
    for seed, at in enumerate(STATIONS):
        p = P[at.station]
        files += records(folder / at.station, [(p, p + 5)], at, minutes=4, seed=seed)
        events.append(event(p - 0.5, (0.5, 0.9), (5.5, 0.9), at=at))
    return write_out(folder / "out", events, files), files


@pytest.fixture
def page(network):
    from bokeh.document import Document

    from minieqt.review.page import Page

    path, files = network
    out = read_out(path)
    (path / "review.jsonl").unlink(missing_ok=True)
    review = Review(out, Journal(path), make_queue(out, draw_sample(out, {}, 0, 0, 0), 3), "anna")
    waveforms = Waveforms(open_archive(files, Selection()), path, (1.0, 45.0), None)
    return Page(Document(), review, waveforms, [], coordinates("AAA", "BBB", "CCC"))


def labels(page):
    axis = page.section.panel.yaxis[0]
    return [axis.major_label_overrides[place].text for place in axis.ticker.ticks]


def test_stations_stand_by_distance_from_the_first_p(page):
    assert not page.section.lines.data["xs"]
    page.act("g")
    assert page.section.panel.visible and labels(page) == ["XX.BBB 0 km", "XX.AAA 27 km", "XX.CCC 81 km"]
    assert page.section.panel.yaxis[0].ticker.ticks == [0, 1, 2]
    assert [list(page.section.lines.data["colour"]).count(colour) for colour in ("black", "#888888")] == [1, 2]
    marks = dict(zip(page.section.picks.data["time"], page.section.picks.data["top"], strict=True))
    for place, at in enumerate(("BBB", "AAA", "CCC")):
        assert place - 0.5 < marks[(START + P[at]).ns / 1e6] < place
    loud = [np.abs(y - place).argmax() for y, place in zip(page.section.lines.data["ys"], range(3), strict=True)]
    moments = [x[at] for x, at in zip(page.section.lines.data["xs"], loud, strict=True)]
    assert moments == sorted(moments)


def test_a_moved_pick_moves_in_the_section_too(page):
    page.act("g")
    state = page.desk.state
    page.cursor = state.p + SECOND
    page.act("p")
    assert (state.p + SECOND) / 1e6 in page.section.picks.data["time"]
    page.act("x")
    page.act("b")
    assert (state.p + SECOND) / 1e6 not in page.section.picks.data["time"]  # no earthquake, no picks


def test_without_coordinates_stations_stand_by_their_first_picks(page):
    page.section.coordinates = coordinates("AAA", "CCC")
    page.act("g")
    assert labels(page) == ["XX.AAA 0 km", "XX.CCC 54 km", "XX.BBB"]
    page.section.coordinates = Coordinates()
    page.draw(*page.panels.seen())
    assert labels(page) == ["XX.BBB", "XX.AAA", "XX.CCC"]


def test_a_day_has_neither_section_nor_spectrogram(page):
    page.act("g")
    page.act("t")
    assert page.panels.spectrograms[0].image.visible and not page.panels.spectrograms[0].trace.visible
    page.act("w")
    assert "zoom in" in page.notice.text and page.panels.spectrograms[0].trace.visible
    page.act("v")
    assert page.panels.spectrograms[0].image.visible and page.panels.spectrograms[0].source.data["image"]


def test_what_the_next_one_shows_is_read_ahead(page, monkeypatch):
    page.act("g")
    page.read_ahead()
    monkeypatch.setattr(page.waveforms.archive, "read", None)  # nothing is read any more
    page.act("n")
    assert key_of(page.desk.item.instrument, page.desk.item.start) == page.desk.item.key and AT in STATIONS
    assert len(page.section.lines.data["xs"]) == 3

"""Looking into the network: what sliders do to a window, and what the page shows of it."""

from __future__ import annotations

import numpy as np
import pytest
from review_cases import event, records, write_out

from minieqt.evaluation.explain import explain
from minieqt.model import EQTransformer
from minieqt.records.archive import open_archive
from minieqt.records.selection import Selection
from minieqt.review.queue import draw_sample, make_queue
from minieqt.review.state import read_out
from minieqt.review.waveforms import Waveforms

pytest.importorskip("bokeh", reason="Bokeh is not installed")


def test_components_are_dropped_shifted_and_drowned():
    from minieqt.review.explain_page import Spoilt, spoil

    x = np.random.default_rng(1).normal(size=(3, 6000)).astype(np.float32)
    x[2] *= 50
    np.testing.assert_array_equal(spoil(x, [Spoilt()] * 3), x)
    found = spoil(x, [Spoilt(kept=False, noise=3), Spoilt(shift=1.5), Spoilt(shift=-2)])
    assert not found[0].any() and not found[1, :150].any() and not found[2, -200:].any()
    np.testing.assert_array_equal(found[1, 150:], x[1, :-150])
    np.testing.assert_array_equal(found[2, :-200], x[2, 200:])
    noise = spoil(x, [Spoilt(noise=0.5)] * 3) - x
    assert noise.std(axis=1) == pytest.approx(0.5 * x.std(axis=1), rel=0.05)
    assert np.abs(np.corrcoef(noise) - np.eye(3)).max() < 0.05


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    from bokeh.document import Document

    from minieqt.review.explain_page import ExplainPage

    folder = tmp_path_factory.mktemp("explain")
    files = records(folder / "a", [(100, 103), (300, 304)])
    events = [event(p - 0.5, (0.5, 0.9), (3.5, 0.9)) for p in (100, 300)]
    out = read_out(write_out(folder / "out", events, files))
    queue = make_queue(out, draw_sample(out, {}, 0, 0, 0), 2)
    model = EQTransformer(seed=1)
    return ExplainPage(Document(), queue, Waveforms(open_archive(files, Selection()), out.path, None, model), model, 1)


def test_it_shows_what_the_network_makes_of_the_window(page):
    page.act("r")
    assert "2 of 2" in page.info.text
    answer = explain(page.model, page.window())
    np.testing.assert_array_equal(page.spoilt.data["P"], answer.probabilities[1])
    np.testing.assert_array_equal(page.maps[1].source.data["image"][0], answer.transformers[1])
    step = int(page.cursor / 1.28)
    np.testing.assert_array_equal(page.looks.data["transformer 1"], answer.transformers[0][step])
    np.testing.assert_array_equal(page.looks.data["S"], answer.local["S"][step])
    page.stage.value = 3
    page.look_closer()
    np.testing.assert_array_equal(page.encoder.source.data["image"][0], answer.encoder[2])


def test_a_slider_changes_what_it_sees_and_grey_stays(page):
    page.act("r")
    recorded = page.recorded.data["Z"]
    page.kept[0].active, page.noise[2].value = False, 1.0
    page.look()
    assert not page.spoilt.data["E"].any() and not np.array_equal(page.spoilt.data["Z"], recorded)
    np.testing.assert_array_equal(page.recorded.data["Z"], recorded)
    assert not np.array_equal(page.spoilt.data["detection"], page.recorded.data["detection"])
    page.begins.value = 2.5
    page.look()
    np.testing.assert_array_equal(page.recorded.data["Z"][:-250], recorded[250:])
    page.act("b")
    assert "1 of 2" in page.info.text and page.noise[2].value == 0 and page.kept[0].active
    np.testing.assert_array_equal(page.spoilt.data["E"], page.recorded.data["E"])

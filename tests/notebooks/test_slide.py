"""`slide`: a slider where somebody can move it, one picture elsewhere."""

import sys
from types import ModuleType

import pytest
from course import figures


@pytest.fixture
def shown(monkeypatch):
    """What was drawn."""
    found = []
    monkeypatch.setattr(figures, "show", found.append)
    monkeypatch.delenv(figures.STATIC, raising=False)
    return found


def without_widgets(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)


@pytest.mark.parametrize("why", [without_widgets, lambda patch: patch.setenv(figures.STATIC, "1")])
def test_without_a_slider_there_is_one_picture(why, shown, monkeypatch):
    why(monkeypatch)
    figures.slide(lambda value: f"picture of {value}", [1, 2, 3], 2, "a number")
    assert shown == ["picture of 2"]


def test_a_slider_draws_what_it_is_moved_to(shown, monkeypatch):
    widgets, moved = ModuleType("ipywidgets"), {}
    widgets.SelectionSlider = lambda **options: options
    widgets.interact = lambda draw, value: moved.update(draw=draw, value=value)
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    figures.slide(lambda value: f"picture of {value}", [1, 2, 3], 2, "a number")
    assert moved["value"]["options"] == [1, 2, 3] and moved["value"]["value"] == 2
    moved["draw"](3)
    assert shown == ["picture of 3"]

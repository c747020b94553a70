"""The map of the course: what it says of the network is so, and every chapter's head shows where it stands."""

from __future__ import annotations

import re

import draw_map
import pytest
import run

from minieqt import EQTransformer

CHAPTERS = {path.stem[:2]: path for path in run.chapters()}


@pytest.fixture(scope="module")
def parts():
    return draw_map.boxes()


def test_the_parts_hold_all_parameters_of_the_network(parts):
    counts = [int(text.replace(",", "")) for part in parts for text in re.findall(r"^[\d,]+$", part.below, re.M)]
    assert sum(counts) == EQTransformer().count_parameters()[0]


def test_every_chapter_stands_on_the_map(parts):
    assert {chapter for part in parts for chapter in part.chapters} == set(CHAPTERS)


def test_the_map_shows_where_a_chapter_stands(parts):
    texts = [text.get_text() for text in draw_map.draw(parts, "06").axes[0].texts]
    bold = [text.get_text() for text in draw_map.draw(parts, "06").axes[0].texts if text.get_fontweight() == "bold"]
    assert "you are here:\nchapter 06" in texts
    assert [text.split("\n")[0] for text in bold] == ["BiLSTM", "P", "S", "you are here:"]


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_chapters_head_has_its_map_its_minutes_and_its_difficulty(number):
    head = run.read(CHAPTERS[number]).cells[0].source
    assert re.search(r"\*About \d+ minutes with the exercises · difficulty [●○]{3}\*", head)
    assert f"(map/{number}.png)" in head and (draw_map.FOLDER / f"{number}.png").exists()

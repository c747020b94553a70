"""Exercises: every answer passes its check, a wrong one fails it and is told why, and dots are an invitation."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest
import run
from course.checking import OPEN, RIGHT, WRONG, Wrong, check, expect, expect_close, verdict
from wrong_answers import WRONG_ANSWERS

TOPICS = [path.stem.split("_", 1)[1] for path in run.chapters()]


def functions(module):
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }


EXERCISES = {
    f"{topic}.{name}": exercise
    for topic in TOPICS
    for name, exercise in functions(importlib.import_module(f"checks.{topic}")).items()
}


def answer_to(key):
    topic, name = key.split(".")
    return getattr(importlib.import_module(f"answers.{topic}"), name)


@pytest.mark.parametrize("key", EXERCISES)
def test_the_worked_answer_is_right(key):
    assert verdict(EXERCISES[key], answer_to(key)) == (RIGHT, "well done")


@pytest.mark.parametrize("key", EXERCISES)
def test_no_answer_is_an_invitation(key):
    assert verdict(EXERCISES[key], ...)[0] == OPEN
    if callable(answer_to(key)):
        assert verdict(EXERCISES[key], lambda *args, **kwargs: ...)[0] == OPEN


@pytest.mark.parametrize("key", EXERCISES)
def test_a_wrong_answer_is_told_why(key):
    assert len(WRONG_ANSWERS.get(key, [])) >= 2, f"{key} has less than two wrong answers to be tested with"
    for answer, reason in WRONG_ANSWERS[key]:
        said, why = verdict(EXERCISES[key], answer)
        assert said == WRONG and reason in why, (said, why)


def test_every_wrong_answer_has_its_exercise():
    assert WRONG_ANSWERS.keys() == EXERCISES.keys()


@pytest.mark.parametrize("path", run.chapters(), ids=lambda path: path.stem)
def test_a_chapter_offers_its_exercises(path):
    """Three to five, each with dots to fill in, a hint or three of them, and a call of its check."""
    topic, notebook = path.stem.split("_", 1)[1], run.read(path)
    text = "\n".join(cell.source for cell in notebook.cells)
    offered = re.findall(rf"^check\({topic}\.(\w+), \1\)$", text, re.MULTILINE)
    own = [key.split(".")[1] for key in EXERCISES if key.startswith(f"{topic}.")]
    assert offered == own and 3 <= len(own) <= 5
    hints = re.findall(r"<details><summary>(Hint(?: \d)?)</summary>", text)
    assert hints in (["Hint"] * len(own), ["Hint 1", "Hint 2", "Hint 3"] * len(own))
    assert f"notebooks/answers/{topic}.py" in text


# -- check itself ------------------------------------------------------------------------------------------------------


def double(answer):
    """Return twice the number."""
    expect(answer(0) == 0, "twice nothing is nothing")
    expect_close(answer(3.0), 6.0, "twice three")


@pytest.mark.parametrize(
    "answer, line",
    [
        (lambda x: 2 * x, "double: right. Well done."),
        (lambda x: x + 1, "double: not yet. Twice nothing is nothing."),
        (lambda x: 3 * x, "double: not yet. Twice three is off by up to 3."),
        (lambda x: x / 0, "double: not yet. It raised ZeroDivisionError: division by zero."),
        (lambda x: None, "double: your turn. Return twice the number."),
        (..., "double: your turn. Return twice the number."),
    ],
)
def test_check_says_it(answer, line, capsys):
    check(double, answer)
    assert capsys.readouterr().out == line + "\n"


def test_close_needs_the_same_shape():
    with pytest.raises(Wrong, match=r"dx has shape \(1,\), wanted \(\)"):
        expect_close([1.0], 1.0, "dx")

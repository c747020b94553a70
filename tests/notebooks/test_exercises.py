"""Exercises: every answer passes its check, a wrong one fails it and is told why, and dots are an invitation.

Those of chapter 15 are kernels, which g++ compiles; where it is absent they are skipped.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap

import numpy as np
import pytest
import run
from course.checking import OPEN, RIGHT, WRONG, Wrong, attempt, check, expect, expect_close, verdict
from wrong_answers import WRONG_ANSWERS
from wrong_kernels import WRONG_KERNELS
from wrong_slopes import WRONG_SLOPES

from kernels.cuda import on_host

TOPICS = [path.stem.split("_", 1)[1] for path in run.chapters()]


def exercises(module):
    """The functions that take an answer; others help them."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
        if "answer" in inspect.signature(value).parameters
    }


EXERCISES = {
    f"{topic}.{name}": exercise
    for topic in TOPICS
    for name, exercise in exercises(importlib.import_module(f"checks.{topic}")).items()
}


WRONG_OF_ALL = WRONG_ANSWERS | WRONG_SLOPES | WRONG_KERNELS
NO_COMPILER = pytest.mark.skipif(not on_host.available(), reason="kernels are compiled for the host by g++")
EACH = [pytest.param(key, marks=NO_COMPILER) if key.startswith("cuda.") else key for key in EXERCISES]


def answer_to(key):
    topic, name = key.split(".")
    return getattr(importlib.import_module(f"answers.{topic}"), name)


@pytest.mark.parametrize("key", EACH)
def test_the_worked_answer_is_right(key):
    assert verdict(EXERCISES[key], answer_to(key))[:2] == (RIGHT, "well done")


@pytest.mark.parametrize("key", EXERCISES)
def test_no_answer_is_an_invitation(key):
    assert verdict(EXERCISES[key], ...)[0] == OPEN
    if callable(answer_to(key)):
        assert verdict(EXERCISES[key], lambda *args, **kwargs: ...)[0] == OPEN


@pytest.mark.parametrize("key", EACH)
def test_a_wrong_answer_is_told_why(key):
    assert len(WRONG_OF_ALL.get(key, [])) >= 2, f"{key} has less than two wrong answers to be tested with"
    for answer, reason in WRONG_OF_ALL[key]:
        said, why, _ = verdict(EXERCISES[key], answer)
        assert said == WRONG and reason in why, (said, why)


def test_every_wrong_answer_has_its_exercise():
    assert len(WRONG_OF_ALL) == len(WRONG_ANSWERS) + len(WRONG_SLOPES) + len(WRONG_KERNELS)
    assert WRONG_OF_ALL.keys() == EXERCISES.keys()


def offered(path):
    """[(exercise, its three hints, what its cell prints)] of a chapter; each stands behind its hints."""
    topic, found, hints = path.stem.split("_", 1)[1], [], []
    for cell in run.read(path).cells:
        hints += re.findall(r"<details><summary>(Hint \d)</summary>(.*)</details>", cell.source)
        call = rf"^(?:check\({topic}\.(\w+), \1\)|(\w+) = attempt\({topic}\.\2, \2\))$"
        if cell.cell_type == "code" and (name := re.search(call, cell.source, re.MULTILINE)):
            assert [title for title, _ in hints] == ["Hint 1", "Hint 2", "Hint 3"], name[0]
            printed = "".join(output.get("text", "") for output in cell.outputs)
            found.append((f"{topic}.{name[1] or name[2]}", [text for _, text in hints], printed))
            hints = []
    return found


@pytest.mark.parametrize("path", run.chapters(), ids=lambda path: path.stem)
def test_a_chapter_offers_its_exercises(path):
    """Each with three hints and a call that checks it; not yet answered, or wrong on purpose."""
    topic, notebook = path.stem.split("_", 1)[1], run.read(path)
    assert [key for key, *_ in offered(path)] == [key for key in EXERCISES if key.startswith(f"{topic}.")]
    assert 3 <= len(offered(path)) <= 9
    assert f"notebooks/answers/{topic}.py" in "\n".join(cell.source for cell in notebook.cells)
    for key, _, printed in offered(path):
        assert printed.startswith((f"{key.split('.')[1]}: {OPEN}. ", f"{key.split('.')[1]}: {WRONG}. "))


def squeezed(text):
    return re.sub(r"[\s`]", "", text)


@pytest.mark.parametrize("path", run.chapters(), ids=lambda path: path.stem)
def test_the_first_hints_do_not_give_the_answer_away(path):
    """Hints say more from one to the next, and what an answer returns stands in none but the last."""
    for key, hints, _ in offered(path):
        assert len({squeezed(hint) for hint in hints}) == 3, key
        if inspect.isfunction(answer_to(key)):
            function = ast.parse(textwrap.dedent(inspect.getsource(answer_to(key)))).body[0]
            for node in ast.walk(function):
                text = squeezed(ast.unparse(node.value)) if isinstance(node, ast.Return) else ""
                assert len(text) < 12 or not any(text in squeezed(hint) for hint in hints[:2]), key


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
        (lambda x: None, "double: your turn. Return twice the number."),
        (lambda x: 2 * x + ..., "double: your turn. Return twice the number."),
        (lambda x, blank=...: np.concatenate([x, blank]), "double: your turn. Return twice the number."),
        (lambda x: (x, ...), "double: your turn. Return twice the number."),
        (lambda x: np.add(np.zeros(2), ..., out=np.zeros(2)), "double: your turn. Return twice the number."),
        (..., "double: your turn. Return twice the number."),
    ],
)
def test_check_says_it(answer, line, capsys):
    check(double, answer)
    assert capsys.readouterr().out == line + "\n"


def divides(x):
    return x / 0


def forgets_return(x):
    x * 2


def test_an_exception_is_told_with_its_line():
    why = verdict(double, divides).why
    line = inspect.getsourcelines(divides)[1] + 1
    assert why == f"it raised ZeroDivisionError in line {line}, `return x / 0`: division by zero"
    assert verdict(double, 3).why == "it raised TypeError: 'int' object is not callable"


def test_a_forgotten_return_is_taken_for_what_it_is():
    assert verdict(double, forgets_return)[:2] == (WRONG, "it returns nothing: is the `return` missing?")


def surprise_slopes(z, y):
    return (1 / (1 + np.exp(-z)) - y) / z.size


@pytest.mark.parametrize(
    "answer, said, title, goes_on",
    [
        (surprise_slopes, "right. Well done", "your answer", surprise_slopes),
        (lambda z, y: -surprise_slopes(z, y), "not yet. The curve of dz has no valley", "as it stands", None),
        (lambda z, y: ..., "your turn. Fill in p and dz", "the worked answer", None),
    ],
)
def test_an_attempt_is_measured_and_the_chapter_goes_on(answer, said, title, goes_on, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("course.gradients.show", shown.append)
    found = attempt(EXERCISES["network.surprise_slopes"], answer)
    assert found is (goes_on or answer_to("network.surprise_slopes"))
    assert capsys.readouterr().out.startswith(f"surprise_slopes: {said}")
    (figure,) = shown
    (axes,) = figure.axes
    assert axes.get_title().endswith(title)
    best = min(axes.lines[0].get_ydata())
    assert best < 1e-6 if title != "as it stands" else best > 1


def test_close_needs_the_same_shape():
    with pytest.raises(Wrong, match=r"dx has shape \(1,\), wanted \(\)"):
        expect_close([1.0], 1.0, "dx")

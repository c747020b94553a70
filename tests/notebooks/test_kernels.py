"""The CUDA puzzles: real CUDA, failures told in the student's own terms, and the picture shows what was touched."""

from __future__ import annotations

import answers.cuda
import numpy as np
import nvrtc
import pytest
from course.checking import Wrong
from course.cuda import Task, launched, plot_touches

from kernels.cuda import on_host

pytestmark = pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")

WORKED = {name: text for name, text in vars(answers.cuda).items() if isinstance(text, str) and "__global__" in text}
X = np.arange(40.0)
PASS_ON = 'extern "C" __global__ void pass_on(const float* x, float* y) {\n    int i = threadIdx.x;\n    BODY\n}\n'


def passed_on(body, kernel="pass_on", threads=40, numbers=()):
    return launched(PASS_ON.replace("BODY", body), Task(kernel, {"x": X}, X, numbers, threads=threads))


@pytest.mark.parametrize("name", WORKED)
def test_the_worked_answers_are_cuda(name):
    try:
        nvrtc.library()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    code, log = nvrtc.compiled(WORKED[name], f"{name}.cu", "sm_80")
    assert code, log


@pytest.mark.parametrize(
    "body, options, why",
    [
        ("y[i] = x[j];", {}, r"it does not compile, line 3 `y\[i\] = x\[j\];`: .j. was not declared"),
        ("y[i] = x[i];", {"kernel": "pass"}, "there is no kernel called pass$"),
        (
            "y[i] = x[i];",
            {"numbers": (40,)},
            r"the kernel's parameters are others: f4\* f4\*, launched with f4\* f4\* i4",
        ),
        ("y[i] = x[i];", {"threads": 64}, r"a thread wrote y\[40\], and y has 40 numbers"),
        ("y[i - 1] = x[i];", {}, r"a thread wrote y\[-1\], and y has 40 numbers"),
        ("if (i != 7) y[i] = x[i];", {}, r"y\[7\] is not a number"),
        ("y[i] = x[i + 1];", {}, r"y\[39\] is not a number"),
        ("y[i] = -x[i];", {}, "y is off by up to 78: its sign is wrong"),
        ("y[i] = x[i]; y[0] = i ? x[0] : 0;", {}, "a race in y, number 0: thread 0 of block 0 wrote at line 3 `y"),
    ],
)
def test_a_failure_is_told_in_the_students_own_terms(body, options, why):
    with pytest.raises(Wrong, match=why):
        passed_on(body, **options)


def test_a_race_with_the_right_numbers_is_told_and_drawn():
    with pytest.raises(Wrong, match="The numbers are right all the same") as caught:
        passed_on("y[i] = x[i]; y[0] = 0;")
    figure = plot_touches(caught.value.evidence, "as it stands")
    circles = [tuple(line.get_xydata()[0]) for line in figure.axes[-1].lines if line.get_markersize() == 13]
    assert circles == [(0, 0), (0, 1)]


def test_the_picture_shows_every_access():
    seen = passed_on("y[39 - i] = x[39 - i];")
    x, y = plot_touches(seen, "your answer").axes
    assert [axes.get_title() for axes in (x, y)] == ["x", "y"]
    for axes in (x, y):
        (line,) = axes.lines
        assert sorted(map(tuple, line.get_xydata())) == [(39 - thread, thread) for thread in range(39, -1, -1)]


@pytest.mark.parametrize("whose, shown", [("your answer", True), ("the worked answer", False)])
def test_a_worked_answer_is_not_given_away(whose, shown, capsys, monkeypatch):
    monkeypatch.setattr("course.cuda.show", lambda figure: None)
    passed_on("y[i] = x[i];").show(whose)
    assert ("y[i] = x[i];" in capsys.readouterr().out) == shown

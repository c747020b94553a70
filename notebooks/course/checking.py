"""Exercises: what `check` and `attempt` say of an answer.

An exercise is a function in `checks/`: it takes the answer, tries it, and states with `expect` what must hold. It may
return evidence, which can be shown: the curves of gradients (gradients.py), or what a kernel did (cuda.py). The worked
answer is the function, or the value, of the same name in `answers/`.
"""

from __future__ import annotations

import dis
import functools
import importlib
import inspect
import re
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from course.mistakes import likely_mistake

RIGHT, WRONG, OPEN = "right", "not yet", "your turn"
WORKED = "the worked answer"  # whose evidence it is
DOTS = re.compile(r"ellipsis|dtype\('O'\)")  # what Python and NumPy say when dots are used as a number
NAME = re.compile(r"d?[b-zA-Z]\b")  # y or dW, which stays as it is at the beginning of a sentence
NOTHING = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}  # all that a body of dots is compiled to


class Evidence(Protocol):
    """What an answer did, for everybody to see."""

    def show(self, whose: str) -> None:
        """Print and draw it below the cell; `whose` answer it was goes into the title."""


class Wrong(Exception):
    """An answer is not right; the message says why."""

    def __init__(self, why: str, evidence: Evidence | None = None):
        super().__init__(why)
        self.evidence = evidence


class Unanswered(Exception):
    """There is no answer yet: it is, or it returned, nothing."""


class Verdict(NamedTuple):
    """RIGHT, WRONG or OPEN; why; and what the answer did, where the exercise shows it."""

    said: str
    why: str
    evidence: Evidence | None = None


def expect(holds: Any, why: str, evidence: Evidence | None = None) -> None:
    """Go on if it holds; otherwise the answer is wrong, for this reason."""
    if not holds:
        raise Wrong(why, evidence)


def expect_close(found: Any, right: Any, what: str, rtol: float = 1e-9, atol: float = 1e-12) -> None:
    """`found` must have `right`'s shape and, to rounding, its values; if not, the likely mistake is named."""
    found, right = np.asarray(found), np.asarray(right)
    if found.shape == right.shape and np.allclose(found, right, rtol, atol):
        return
    if found.shape != right.shape:
        why = f"{what} has shape {found.shape}, wanted {right.shape}"
    else:
        why = f"{what} is off by up to {float(abs(found - right).max()):.2g}"
    mistake = likely_mistake(found, right)
    raise Wrong(f"{why}: {mistake}" if mistake else why)


def verdict(exercise: Callable[[Any], Evidence | None], answer: Any) -> Verdict:
    """What an exercise finds of an answer."""
    try:
        return Verdict(RIGHT, "well done", exercise(asked(answer)))
    except Unanswered:
        return Verdict(OPEN, wanted(exercise))
    except Wrong as reason:
        return Verdict(WRONG, str(reason), reason.evidence)
    except Exception as error:  # an answer may fail in any way it likes
        if DOTS.search(str(error)) or has_dots(error, answer):
            return Verdict(OPEN, wanted(exercise))
        return Verdict(WRONG, raised(error, answer))


def wanted(exercise: Callable[..., Any]) -> str:
    """What an exercise asks for, in one line."""
    return (exercise.__doc__ or "").strip().splitlines()[0]


def has_dots(error: Exception, answer: Any) -> bool:
    """Whether the answer still held dots in one of its variables when it failed."""
    code = getattr(answer, "__code__", None)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return any(value is ... for frame in frames for value in frame.f_locals.values())


def raised(error: Exception, answer: Any) -> str:
    """What an answer raised, and in which of its lines."""
    code = getattr(answer, "__code__", None)
    calls = traceback.extract_tb(error.__traceback__)
    lines = [call for call in calls if code and call.filename == code.co_filename]
    where = f" in line {lines[-1].lineno}, `{lines[-1].line}`" if lines else ""
    return f"it raised {type(error).__name__}{where}: {error}"


def asked(answer: Any) -> Any:
    """The answer; if it is a function, one that must return something. Unanswered if there is none, or dots in it."""
    if answer is None or answer is ... or (isinstance(answer, str) and "..." in answer):
        raise Unanswered
    if not callable(answer):
        return answer

    @functools.wraps(answer)
    def function(*args: Any, **kwargs: Any) -> Any:
        result = answer(*args, **kwargs)
        if result is ... or (isinstance(result, tuple) and any(part is ... for part in result)):
            raise Unanswered
        if result is None:
            if only_dots(answer):
                raise Unanswered
            raise Wrong("it returns nothing: is the `return` missing?")
        return result

    return function


def only_dots(answer: Any) -> bool:
    """Whether a function's body does nothing at all."""
    return inspect.isfunction(answer) and {step.opname for step in dis.get_instructions(answer)} <= NOTHING


def worked(exercise: Callable[..., Any]) -> Any:
    """The worked answer to an exercise of `checks/`."""
    return getattr(importlib.import_module(exercise.__module__.replace("checks.", "answers.")), exercise.__name__)


def check(exercise: Callable[[Any], Evidence | None], answer: Any) -> None:
    """Print whether an answer to an exercise is right, and if it is not, why; show what it did."""
    judged = verdict(exercise, answer)
    say(exercise, judged)
    if judged.evidence:
        judged.evidence.show("your answer")


def attempt(exercise: Callable[[Any], Evidence | None], answer: Any) -> Any:
    """As `check`, for what the chapter goes on with: the answer if it is right, else the worked one.

    Where there is no answer yet, it is the worked one whose evidence is shown."""
    judged = verdict(exercise, answer)
    say(exercise, judged)
    if judged.said == RIGHT:
        evidence, whose, result = judged.evidence, "your answer", answer
    else:
        print("(Until it is right, the chapter goes on with the worked answer.)")
        evidence, whose, result = judged.evidence, "as it stands", worked(exercise)
        if judged.said == OPEN:
            evidence, whose = verdict(exercise, result).evidence, WORKED
    if evidence:
        evidence.show(whose)
    return result


def say(exercise: Callable[..., Any], judged: Verdict) -> None:
    """Print a verdict."""
    why = judged.why if NAME.match(judged.why) else judged.why[:1].upper() + judged.why[1:]
    print(f"{exercise.__name__}: {judged.said}. {why}{'' if why.endswith(('.', '!', '?')) else '.'}")

"""Exercises: what `check` says of an answer.

An exercise is a function in `checks/`: it takes the answer, tries it, and states with `expect` what must hold. The
worked answer is the function, or the value, of the same name in `answers/`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

RIGHT, WRONG, OPEN = "right", "not yet", "your turn"


class Wrong(Exception):
    """An answer is not right; the message says why."""


class Unanswered(Exception):
    """There is no answer yet: it is, or it returned, nothing."""


def expect(holds: Any, why: str) -> None:
    """Go on if it holds; otherwise the answer is wrong, for this reason."""
    if not holds:
        raise Wrong(why)


def expect_close(found: Any, right: Any, what: str, rtol: float = 1e-9, atol: float = 1e-12) -> None:
    """`found` must have `right`'s shape and, to rounding, its values."""
    found, right = np.asarray(found), np.asarray(right)
    expect(found.shape == right.shape, f"{what} has shape {found.shape}, wanted {right.shape}")
    error = float(abs(found - right).max(initial=0))
    expect(np.allclose(found, right, rtol, atol), f"{what} is off by up to {error:.2g}")


def verdict(exercise: Callable[[Any], None], answer: Any) -> tuple[str, str]:
    """(RIGHT, WRONG or OPEN; why)."""
    try:
        exercise(asked(answer))
    except Unanswered:
        return OPEN, (exercise.__doc__ or "").strip().splitlines()[0]
    except Wrong as reason:
        return WRONG, str(reason)
    except Exception as error:  # an answer may fail in any way it likes
        return WRONG, f"it raised {type(error).__name__}: {error}"
    return RIGHT, "well done"


def asked(answer: Any) -> Any:
    """The answer; if it is a function, one that must return something. Unanswered if there is none."""
    if answer is None or answer is ...:
        raise Unanswered
    if not callable(answer):
        return answer

    @functools.wraps(answer)
    def function(*args: Any, **kwargs: Any) -> Any:
        result = answer(*args, **kwargs)
        if result is None or result is ...:
            raise Unanswered
        return result

    return function


def check(exercise: Callable[[Any], None], answer: Any) -> None:
    """Print whether an answer to an exercise is right, and if it is not, why."""
    said, why = verdict(exercise, answer)
    print(f"{exercise.__name__}: {said}. {why[:1].upper()}{why[1:]}{'' if why.endswith(('.', '!', '?')) else '.'}")

"""Command lines: errors of one line, and arguments checked before anything starts."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from minieqt.errors import UserError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that keeps the line breaks of its descriptions and reports a mistake in one line."""

    def __init__(self, prog: str, **kwargs: Any):
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(prog, formatter_class=layout, allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def whole(minimum: int, maximum: int = 2**32 - 1) -> Callable[[str], int]:
    """An argument type: a whole number from `minimum` to `maximum`."""

    def whole_number(text: str) -> int:
        value = int(text)
        if not minimum <= value <= maximum:
            raise argparse.ArgumentTypeError(f"must lie between {minimum} and {maximum}, got {text}")
        return value

    whole_number.__name__ = "whole number"  # argparse shows it in its error messages
    return whole_number


def positive(text: str) -> float:
    """An argument type: a finite number above zero."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above zero and finite, got {text}")
    return value


def share(text: str) -> float:
    """An argument type: a number from 0 up to, but not including, 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1, got {text}")
    return value


def existing_file(text: str) -> Path:
    """An argument type: the absolute path of a file that is there."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} does not exist or is not a file")
    return path.absolute()  # links are not resolved: a table beside the link belongs to it


def existing_path(text: str) -> Path:
    """An argument type: the absolute path of a file or folder that is there."""
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"{text} does not exist")
    return path.absolute()  # as in existing_file


def to_stderr(line: str) -> None:
    """Print a line to stderr."""
    print(line, file=sys.stderr)


def guarded(program: str, main: Callable[[], int], report: Callable[[str], None] = to_stderr) -> int:
    """Run `main`; a mistake of the user becomes one line to `report` and exit code 2, Ctrl-C exit code 130."""

    def complain(message: str) -> int:
        report(f"{program}: {' '.join(message.split())}")
        return 2

    try:
        return main()
    except UserError as error:
        return complain(str(error))
    except BrokenPipeError:  # the reader of our output (head, less) has quit; Python must not flush into the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # a full disk, a folder without permission
        return complain(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
    except MemoryError as error:
        return complain(f"out of memory ({error}): try a smaller --batch-size")
    except KeyboardInterrupt as stop:  # its text may say how to go on
        report(f"{program}: {str(stop) or 'stopped'}")
        return 130

"""Child processes that import what this one imports, wherever they start and whatever else is installed."""

from __future__ import annotations

import os
import sys


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module as `python -m` does, but leaves the current folder out of Python's path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def same_path() -> dict[str, str]:
    """The environment that gives a child process this one's sys.path."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(folder or os.getcwd() for folder in sys.path)}

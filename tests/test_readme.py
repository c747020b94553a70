"""What is written: the Korean README has every command of the English one, and every link leads somewhere."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def commands(name):
    """The lines of a README's blocks of code, without what a run has printed."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:python)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    printed = ("epoch", "20")
    return [line for block in blocks if not block.startswith(printed) for line in block.splitlines() if line]


def test_the_korean_readme_has_the_same_commands():
    english = commands("README.md")
    assert len(english) > 30
    assert commands("README.ko.md") == english


def texts(path):
    """What a reader reads of a file: its text, or a notebook's cells of text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("pattern", ["*.md", "docs/*.md", "notebooks/*.md", "notebooks/*.ipynb", "kernels/**/*.md"])
def test_every_link_leads_somewhere(pattern):
    for path in ROOT.glob(pattern):
        for link in re.findall(r"\]\(([^)#]+)", texts(path)):
            assert link.startswith("http") or (path.parent / link).exists(), f"{path}: {link}"


def needed(script):
    """How many positional arguments a benchmark asks for, and its options that must be given."""
    calls = [node for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    added = [call for call in calls if getattr(call.func, "attr", "") == "add_argument"]
    told = [(call.args[0].value, {k.arg: getattr(k.value, "value", None) for k in call.keywords}) for call in added]
    positional = [name for name, kwargs in told if name[0] != "-" and kwargs.get("nargs") not in ("?", "*")]
    return len(positional), [name for name, kwargs in told if kwargs.get("required")]


@pytest.mark.parametrize("pattern", ["*.md", "docs/*.md"])
def test_a_benchmarks_command_has_the_arguments_that_it_needs(pattern):
    written = [
        (path.name, *match)
        for path in ROOT.glob(pattern)
        for match in re.findall(r"python\s+benchmarks/(\w+)\.py([^`#]*?)(?:`|#|\n(?! ))", texts(path))
    ]
    assert len(written) > 5
    for path, name, arguments in written:
        count, options = needed(ROOT / "benchmarks" / f"{name}.py")
        given = arguments.replace("\\\n", " ").split(" --")
        assert len(given[0].split()) >= count, f"{path}: {name}.py{arguments}"
        assert all(option in arguments for option in options), f"{path}: {name}.py{arguments}"

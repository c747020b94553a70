"""What is written: the Korean README has every command of the English one, and every link leads somewhere."""

from __future__ import annotations

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

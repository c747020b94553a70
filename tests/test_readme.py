"""The two READMEs are in step: the Korean one has every command of the English one, in the same order."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_every_link_of_the_readmes_leads_somewhere():
    for name in ("README.md", "README.ko.md"):
        for link in re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8")):
            assert link.startswith("http") or (ROOT / link).exists(), f"{name}: {link}"

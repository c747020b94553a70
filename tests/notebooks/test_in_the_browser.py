"""What a code space and Binder install is what the project declares."""

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def asked_for() -> list[str]:
    """The commands and requirements of both."""
    space = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    binder = ROOT / ".binder"
    texts = [(binder / name).read_text(encoding="utf-8") for name in ("requirements.txt", "postBuild")]
    return [space["postCreateCommand"], *texts]


def test_extras_and_modules_exist():
    text = "\n".join(asked_for())
    extras, modules = re.findall(r"\.\[([\w,]+)\]", text), re.findall(r"python -m ([\w.]+)", text)
    assert len(extras) == 2 and len(modules) == 2
    assert set(",".join(extras).split(",")) <= set(DECLARED["optional-dependencies"])
    assert all(find_spec(module) for module in modules)


def test_their_python_is_new_enough():
    space = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    versions = space["image"].split(":")[1], (ROOT / ".binder" / "runtime.txt").read_text().strip().split("-")[1]
    least = re.search(r"[\d.]+", DECLARED["requires-python"])[0]
    for version in versions:
        assert tuple(map(int, version.split("."))) >= tuple(map(int, least.split(".")))

"""A wheel, installed beside an unrelated package that is imported as `kernels`, works without the checkout."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = {".py", ".cu", ".cuh", ".h", ".cpp", ".h5", ".typed"}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A folder with the unrelated package, some of whose modules are called as ours are."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "kernels").mkdir()
    for name in ("__init__", "cpu", "cuda", "user_cache"):
        (folder / "kernels" / f"{name}.py").write_text("WHOSE = 'somebody else'")
    return folder


@pytest.fixture(scope="module")
def site(foreign, tmp_path_factory):
    """A folder of installed packages: minieqt's, from a copy of the sources, and the unrelated one."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("install")
    for name in ("minieqt", "kernels"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", folder / "site", folder / "source"], check=True)
    shutil.copytree(foreign / "kernels", folder / "site" / "kernels")  # fails if ours is there
    return folder / "site"


def run(site, *command, cwd):
    """A command where the installed packages come first; its standard output."""
    environment = os.environ | {"PYTHONPATH": str(site), "MINIEQT_KERNELS": "off"}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in CODE}


def test_nothing_is_missing_in_the_wheel(site):
    assert files(site / "minieqt") == files(ROOT / "minieqt")
    assert files(site / "minieqt_kernels") == files(ROOT / "kernels")


def test_it_picks(site, tmp_path):
    run(site, site / "bin" / "minieqt", "pick", "--example", "--out", "here", cwd=tmp_path)
    with open(tmp_path / "here" / "picks.csv", newline="") as table:
        assert {"P", "S"} <= {row["phase"] for row in csv.DictReader(table)}
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


PROGRAM = """
import kernels, kernels.cpu
from minieqt import backend, loss
from minieqt.kernels import kernel_module

twin = backend.twin(loss.cross_entropy_forward.definition, "cpu")
print(kernels.cpu.WHOSE, twin.__module__, kernel_module("cpu.runtime.compile").cache_folder().name.split("-")[0])
print(*sorted(path.name for path in kernel_module("cuda.sources").FOLDER.glob("*.cu")))
"""


def test_each_finds_its_own_kernels(site, tmp_path):
    first, second = run(site, sys.executable, "-c", PROGRAM, cwd=tmp_path).splitlines()
    assert first == "somebody else minieqt_kernels.cpu.loss minieqt_kernels"
    assert second.split() == sorted(path.name for path in (ROOT / "kernels" / "cuda").glob("*.cu"))


@pytest.mark.parametrize(("first", "name"), [("ours", "kernels"), ("theirs", "minieqt_kernels")])
def test_a_checkout_takes_its_own(first, name, foreign):
    """As `kernels`, as tests and chapters do, unless that is somebody else's."""
    paths = map(str, (ROOT, foreign) if first == "ours" else (foreign, ROOT))
    program = "from minieqt import kernels as own; print(own.package(), own.kernel_module('user_cache').__file__)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    output = subprocess.check_output([sys.executable, "-P", "-c", program], env=environment, text=True)
    assert output.split() == [name, str(ROOT / "kernels" / "user_cache.py")]

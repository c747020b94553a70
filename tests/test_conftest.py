"""Files of tests whose packages are missing are skipped, and the rest runs: machines with a GPU often lack ObsPy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_tests_of_a_gpu_are_collected_without_obspy(tmp_path):
    (tmp_path / "obspy.py").write_text("raise ModuleNotFoundError('No module named obspy', name='obspy')\n")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "gpu", "-p", "no:cacheprovider"]
    files = ["tests/picking", "tests/test_twins.py"]  # the first wants ObsPy, the second has tests of a GPU
    done = subprocess.run([*command, *files], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "test_twins.py: " in done.stdout and "obspy is not installed" in done.stdout

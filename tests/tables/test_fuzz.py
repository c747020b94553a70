"""No damaged table, catalogue, data set or weights' file ends in a traceback, a hang or a gigabyte of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_damaged_files():
    """MINIEQT_FUZZ=20000 tries more than the few hundred of every run."""
    count = os.environ.get("MINIEQT_FUZZ", "300")
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("fuzz.py"), count], capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith(f"{count} damaged files")

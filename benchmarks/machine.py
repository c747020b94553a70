"""What a result was measured on, in a few words, and what it took."""

from __future__ import annotations

import datetime
import os
import platform
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe(*packages: str) -> str:
    """One line: date, processor, cores, Python, and the versions of the given packages."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line.split(":")[1].strip() for line in information.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    versions = []
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} absent")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ", ".join(
        [datetime.date.today().isoformat(), f"{model}, {cores} cores", f"Python {platform.python_version()}", *versions]
    )


def peak_mib() -> float:
    """The most memory this process has had so far, in MiB. On Linux it begins with what its parent had at the time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

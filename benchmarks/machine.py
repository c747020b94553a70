"""What every benchmark needs: the machine in a few words, what a command costs, and one way to publish a result."""

from __future__ import annotations

import datetime
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from minieqt.processes import same_path


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
    """The most memory this process has had so far, in MiB.

    Not from `ru_maxrss` on Linux, which includes what the parent had when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def forget_peak() -> None:
    """Let `peak_mib` count anew from now on; on Linux only."""
    with suppress(OSError):  # missing or read-only, as in some containers
        Path("/proc/self/clear_refs").write_text("5")


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    seconds: float
    processor: float  # s, its workers included
    peak: float  # MiB of its largest process


# In a small process between: Linux counts the memory of a process that starts another as that other's, too.
BETWEEN = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([status, time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak]))
"""


def cost(command: list[str]) -> Cost:
    """Run a command, discarding its output. SystemExit if it fails."""
    answer = subprocess.run([sys.executable, "-c", BETWEEN, *command], stdout=subprocess.PIPE, env=same_path())
    status, *taken = json.loads(answer.stdout)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return Cost(*taken)


def publish(lines: Iterable[str], out: Path) -> None:
    """Print a result and write it to a file, whose folder is made if need be."""
    text = "\n".join(lines) + "\n"
    print(text, end="")
    out.parent.mkdir(exist_ok=True)
    out.write_text(text, encoding="utf-8")

"""How fast the network is on this GPU, beside the same network in PyTorch, in one run of about eight minutes.

    python benchmarks/gpu.py                   everything; writes benchmarks/results/gpu.json
    python benchmarks/gpu.py --no-compile      without torch.compile, which takes the longest
    python benchmarks/gpu.py --minutes 4       leave out, and say so, what does not fit into the time

In this order: what the GPU can do (a copy, a matrix product); every kernel's error against its definition in float64;
training steps and inference of all contenders, and their memory; every kernel's time and bytes in one training step;
the tests marked gpu. PyTorch's networks are SeisBench's, where it is installed, and the one of torch_network.py; both
may use TF32. All inputs are on the GPU beforehand. Each part is a process of its own (gpu_parts.py): one that fails,
hangs or makes the GPU unusable for its process is reported, the rest goes on, and the file is written after each.

It needs CuPy, pytest and, for the peers, PyTorch and SeisBench: pip install -e '.[cuda13,dev,peers]'
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpu_parts import CONTENDERS, PAPER_BATCH, ROOT, TASKS
from machine import describe

from minieqt.arguments import guarded, positive
from minieqt.device import require_gpus
from minieqt.errors import UserError
from minieqt.files import write_text

RESULTS = ROOT / "benchmarks" / "results" / "gpu.json"
PAPER_EPOCHS = 200  # an epoch shows the training windows twice
PAPER_WINDOWS = 2 * 0.85 * 1.27e6
PACKAGES = ("numpy", "numba", "cupy-cuda12x", "cupy-cuda13x", "numba-cuda", "torch", "seisbench")
PART = str(Path(__file__).with_name("gpu_parts.py"))
LEAST = 15.0  # seconds that a part needs to be worth starting: Python, CUDA and the kernels come first

# How long each part may take, in seconds; together they are about the eight minutes, if none of them hangs.
LIMITS: dict[str, float] = {
    "card": 60,
    "compile": 90,
    "ceilings": 30,
    "errors": 60,
    **{f"race: {name}": 150 if "compile" in name else 60 for name in CONTENDERS},
    "kernels": 45,
    "folding": 30,
    "tests": 120,
}


def run_part(name: str, limit: float) -> tuple[Any, str]:
    """What a part found, None if nothing, and what went wrong in a few words, "" if all went well."""
    with tempfile.TemporaryDirectory() as folder:
        out, problem = Path(folder) / "part.json", ""
        command = [sys.executable, PART, name, str(out)]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
            try:
                _, words = process.communicate(timeout=limit)
                if process.returncode:
                    problem = (words.strip().splitlines() or [f"exit code {process.returncode}"])[-1][:300]
            except subprocess.TimeoutExpired:
                problem = f"not done after {limit:.0f} s"
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)  # with all that it has started: the GPU must be free
        return json.loads(out.read_text()) if out.exists() else None, problem


# -- report ------------------------------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> str:
    """The results as text; what is missing is left out, what failed comes at the end."""
    card, top = result.get("card") or {}, result.get("ceilings") or {}
    lines = [result["machine"], card.get("gpu", "an unknown GPU"), ""]
    if top:
        product = top["product_flop_per_second"]
        copy = f"copy {top['copy_bytes_per_second'] / 1e9:.0f} GB/s"
        lines += [f"{copy}, matrix product {product / 1e12:.1f} TFLOP/s", ""]
    if result.get("errors"):
        lines += [f"{'operation':24}{'relative error':>16}"]
        for name, error in result["errors"].items():
            lines += [f"{name:24}{error:16.1e}" if isinstance(error, float) else f"{name:24}  {error}"]
        lines += [""]
    lines += race_table({name: result.get(f"race: {name}") or {} for name in CONTENDERS})
    lines += kernel_table(result.get("kernels") or {}, top.get("copy_bytes_per_second"))
    for stage, times in (result.get("folding") or {}).items():
        lines += [f"decoder stage {stage}: {1e6 * times['folded']:.0f} µs folded, {1e6 * times['plain']:.0f} µs plain"]
    lines += [f"tests marked gpu: {result['tests']}"] if result.get("tests") else []
    lines += [f"{name}: {problem}" for name, problem in result["problems"].items()]
    return "\n".join(lines)


def race_table(race: dict[str, dict[str, Any]]) -> list[str]:
    """Windows per second of every contender, what it failed at, and the hours that the paper's training would take."""
    tasks = [f"{kind} {batch}" for kind, batch in sorted(TASKS, key=lambda task: (task[0] != "training", task[1]))]
    lines = ["windows per second", f"{'':28}" + "".join(f"{task:>15}" for task in tasks) + f"{'GB':>7}"]
    for name, row in race.items():
        speeds = [int(task.split()[1]) / row[task] if isinstance(row.get(task), float) else None for task in tasks]
        cells = "".join(f"{speed:15.0f}" if speed else f"{'–':>15}" for speed in speeds)
        lines += [f"{name:28}{cells}{row.get('memory_bytes', 0) / 1e9:7.2f}"]
    lines += [f"{name}, {task}: {row[task]}" for name, row in race.items()
              for task in tasks if isinstance(row.get(task), str)]  # fmt: skip
    lines += ratios(race, tasks)
    best = race["minieqt, one graph"].get(f"training {PAPER_BATCH}")
    if isinstance(best, float):
        hours = PAPER_WINDOWS / PAPER_BATCH * best / 3600
        text = f"STEAD: {hours:.2f} hours an epoch, {PAPER_EPOCHS * hours:.0f} for {PAPER_EPOCHS} epochs, if the data"
        lines += [f"{text} keep up (the paper: 4 V100s for about 89 hours)"]
    return [*lines, ""]


def ratios(race: dict[str, dict[str, Any]], tasks: list[str]) -> list[str]:
    """How many times faster than each peer our graph is, with both precisions: one line per peer."""
    own, lines = race["minieqt, one graph"], []
    for name, row in race.items():
        both = [task for task in tasks if isinstance(own.get(task), float) and isinstance(row.get(task), float)]
        if both and not name.startswith("minieqt"):
            text = ", ".join(f"{row[task] / own[task]:.2f} × at {task}" for task in both)
            lines += [f"one graph ({own.get('precision', '?')}) to {name} ({row.get('precision', '?')}): {text}"]
    return lines


def kernel_table(kernels: dict[str, dict[str, float]], copy: float | None) -> list[str]:
    """One line per kernel, the slowest first: its time, its bytes, and what part of a copy's speed that is."""
    if not kernels:
        return []
    lines = [f"one training step at batch {PAPER_BATCH}, launched: kernel by kernel"]
    lines += [f"{'kernel':32}{'calls':>6}{'µs':>10}{'MB':>10}{'of copy':>9}"]
    for name, row in sorted(kernels.items(), key=lambda item: -item[1]["seconds"]):
        share = f"{row['bytes'] / row['seconds'] / copy:9.0%}" if copy else f"{'–':>9}"
        lines += [f"{name:32}{row['calls']:6.0f}{1e6 * row['seconds']:10.1f}{row['bytes'] / 1e6:10.2f}{share}"]
    return [*lines, ""]


def main() -> int:
    """Measure part by part, write the results file after each, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=positive, default=8.0, help="for everything (8)")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--parts", nargs="+", metavar="PART", help=f"only those that begin so: {', '.join(LIMITS)}")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"({RESULTS})")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    require_gpus(1)
    result: dict[str, Any] = {"machine": describe(*PACKAGES), "problems": {}, "seconds": {}}
    for name, limit in LIMITS.items():
        left = end - time.monotonic()
        if options.no_compile and "torch.compile" in name:
            continue
        if options.parts and not name.startswith(tuple(options.parts)):
            continue
        if left < LEAST:
            result["problems"][name] = "no time left"
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        start = time.monotonic()
        found, problem = run_part(name, min(limit, left))
        if name == "card" and problem:
            raise UserError(problem.removeprefix("benchmarks/gpu.py: "))
        result |= {} if found is None else {name: found}
        result["problems"] |= {name: problem} if problem else {}
        result["seconds"][name] = round(time.monotonic() - start, 1)
        write_text(options.out, json.dumps(result, indent=2) + "\n")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/gpu.py", main))

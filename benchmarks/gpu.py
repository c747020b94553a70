"""How fast the network is on this GPU, beside the same network in PyTorch, in one run of about eight minutes.

    python benchmarks/gpu.py                   everything; writes benchmarks/results/gpu.json
    python benchmarks/gpu.py --no-compile      without torch.compile, which takes the longest
    python benchmarks/gpu.py --minutes 4       leave out, and say so, what does not fit into the time

In this order: the tests marked gpu; every kernel's error against its definition in float64; what the card can do (a
copy, a matrix product); every kernel's time and bytes in one training step; training steps and inference of all
contenders; memory; hours for the paper's training. PyTorch's networks are SeisBench's, where it is installed, and the
one of torch_network.py; both may use TF32. Everybody's input lies on the GPU already.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe

from kernels.cuda import launch
from minieqt import EQTransformer, backend
from minieqt.adam import Adam
from minieqt.arguments import guarded, positive
from minieqt.device import array_module_for
from minieqt.files import write_text
from minieqt.loss import WEIGHTS
from minieqt.training.graph_step import REHEARSALS, GraphStep

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "gpu.json"
TRAINING_BATCHES, INFERENCE_BATCHES = (32, 200), (1, 32, 256)
PAPER_BATCH, PAPER_EPOCHS = 200, 200  # an epoch shows the training windows twice
PAPER_WINDOWS = 2 * 0.85 * 1.27e6
Contender = Callable[[str, int], Callable[[], object]]  # "training" or "inference", batch -> what does it once


class Clock:
    """Seconds on the GPU, and what is left of the time for the whole benchmark."""

    def __init__(self, cupy: Any, minutes: float):
        self.wait = cupy.cuda.runtime.deviceSynchronize
        self.end = time.monotonic() + 60 * minutes

    def has(self, seconds: float) -> bool:
        """Whether a part that takes so long still fits."""
        return time.monotonic() + seconds < self.end

    def seconds(self, once: Callable[[], object], rounds: int = 5, least: float = 0.05) -> float:
        """Median time of one call; as many calls a round as last `least` seconds. The first call warms up."""
        once()
        times, calls = [], 1
        while len(times) < rounds:
            self.wait()
            start = time.perf_counter()
            for _ in range(calls):
                once()
            self.wait()
            elapsed = time.perf_counter() - start
            if elapsed < least and calls < 10_000:
                calls *= 2
            else:
                times.append(elapsed / calls)
        return float(np.median(times))


# -- right before fast -------------------------------------------------------------------------------------------------


def run_tests() -> str:
    """The last line of pytest on the tests that need a GPU."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]


def kernel_errors(cupy: Any) -> dict[str, float]:
    """{operation: largest relative error of any result}, float32 kernels against float64 definitions."""
    sys.path.insert(0, str(ROOT / "tests"))
    from test_twins import CASES, FLOOR, functions_of, results, with_dtype

    noise = np.random.default_rng(1).standard_normal(997).astype(np.float32)
    errors: dict[str, float] = {}
    for stem, cases in sorted(CASES.items()):
        worst = 0.0
        for args in cases(np.random.default_rng(2)):
            rounded = with_dtype(args, np.float32)
            right = results(functions_of(stem), with_dtype(rounded, np.float64), noise)
            found = results(functions_of(stem, "cuda"), with_dtype(rounded, np.float32, cupy), noise)
            largest = max(np.linalg.norm(array) for array in right)
            for a, b in zip(found, right, strict=True):
                size = max(np.linalg.norm(b), FLOOR * largest)
                worst = max(worst, float(np.linalg.norm(a - b) / size)) if size else worst
        errors[stem] = worst
    return errors


# -- what the card can do, and what each kernel does of it -------------------------------------------------------------


def ceilings(cupy: Any, clock: Clock) -> dict[str, float]:
    """Bytes a second of a copy (read and written), float32 operations a second of cuBLAS's matrix product."""
    a, n = cupy.ones(2**27, np.float32), 8192
    b, square = cupy.empty_like(a), cupy.ones((n, n), np.float32)
    copy = clock.seconds(lambda: cupy.copyto(b, a))
    product = clock.seconds(lambda: square @ square)
    return {"copy_bytes_per_second": 2 * a.nbytes / copy, "product_flop_per_second": 2 * n**3 / product}


def take_apart(cupy: Any, batch: int, repeats: int = 5) -> dict[str, dict[str, float]]:
    """{kernel: calls, seconds, bytes} of one training step: medians. Bytes are its arrays', each counted once."""
    once = minieqt_contender(graph=False)("training", batch)
    once()
    plain, log = launch.on_device, []

    def timed(source: str, kernel: str, tensor_cores: bool) -> Any:
        function = plain(source, kernel, tensor_cores)

        def start(grid: tuple, block: tuple, arguments: tuple, shared_mem: int = 0) -> None:
            begin, end = cupy.cuda.Event(), cupy.cuda.Event()
            begin.record()
            function(grid, block, arguments, shared_mem=shared_mem)
            end.record()
            size = sum(a.nbytes for a in arguments if isinstance(a, cupy.ndarray))
            log.append((kernel, begin, end, size))

        return start

    seconds: dict[str, list[float]] = defaultdict(list)
    launch.on_device = timed  # type: ignore[assignment]
    try:
        for _ in range(repeats):
            log.clear()
            once()
            cupy.cuda.runtime.deviceSynchronize()
            for name in {entry[0] for entry in log}:
                spans = [cupy.cuda.get_elapsed_time(*entry[1:3]) / 1e3 for entry in log if entry[0] == name]
                seconds[name].append(sum(spans))
    finally:
        launch.on_device = plain
    table = {}
    for name, times in seconds.items():
        calls = [entry[3] for entry in log if entry[0] == name]
        table[name] = {"calls": len(calls), "seconds": float(np.median(times)), "bytes": float(sum(calls))}
    return table


# -- contenders --------------------------------------------------------------------------------------------------------


def minieqt_contender(graph: bool, tensor_cores: bool = False) -> Contender:
    """Our network, its kernels launched one by one or as one graph a step, in float32 or TF32."""
    launch.use_tf32(tensor_cores)
    model = EQTransformer(lstm_blocks=2).to("cuda")
    optimiser = Adam(model)
    xp = backend.array_module(model.vector)

    def prepare(kind: str, batch: int) -> Callable[[], object]:
        x, labels = (xp.asarray(a) for a in windows(batch))
        if kind == "inference":
            model.eval()
            return lambda: model.forward(x)
        model.train()
        if graph:
            step = GraphStep(model, optimiser)
            for _ in range(REHEARSALS + 1):
                step(x, labels)
            if step.graph is None:
                raise RuntimeError("the step could not be captured")
            return lambda: step(x, labels)

        def once() -> None:
            model.zero_gradients()
            model.loss_on_device(x, labels)
            model.backward()
            optimiser.step()

        return once

    return prepare


def torch_contender(network: Any, compiled: bool = False, probabilities: bool = False) -> Contender:
    """A PyTorch network, on the GPU, with TF32 allowed."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    network = network.cuda()
    optimiser = torch.optim.Adam(network.parameters())
    call = torch.compile(network) if compiled else network
    functional = torch.nn.functional
    entropy = functional.binary_cross_entropy if probabilities else functional.binary_cross_entropy_with_logits

    def prepare(kind: str, batch: int) -> Callable[[], object]:
        x, labels = (torch.from_numpy(a).cuda() for a in windows(batch))

        def infer() -> None:
            with torch.inference_mode():
                call(x)

        def train() -> None:
            optimiser.zero_grad()
            losses = (entropy(p, y) for p, y in zip(call(x), labels.unbind(1), strict=True))
            sum(w * loss for w, loss in zip(WEIGHTS, losses, strict=True)).backward()
            optimiser.step()

        network.train(kind == "training")
        return train if kind == "training" else infer

    return prepare


def windows(batch: int) -> tuple[Any, Any]:
    """Random input (batch, 3, 6000) and labels of the same shape."""
    rng = np.random.default_rng(batch)
    return rng.standard_normal((batch, 3, 6000), np.float32), rng.random((batch, 3, 6000), np.float32)


def contenders(with_compile: bool) -> dict[str, Callable[[], Contender]]:
    """{name: how to make it}; PyTorch's where it is installed."""
    field: dict[str, Callable[[], Contender]] = {
        "minieqt, launched": lambda: minieqt_contender(graph=False),
        "minieqt, one graph": lambda: minieqt_contender(graph=True),
        "minieqt, one graph, TF32": lambda: minieqt_contender(graph=True, tensor_cores=True),
    }
    try:
        from torch_network import TorchEQTransformer
    except ImportError:
        print("PyTorch is not installed: nobody to compare with")
        return field
    try:
        from seisbench.models import EQTransformer as SeisBench

        field["SeisBench, eager"] = lambda: torch_contender(SeisBench(lstm_blocks=2), probabilities=True)
    except ImportError:
        print("SeisBench is not installed: the peer is torch_network.py")
    field["PyTorch twin, eager"] = lambda: torch_contender(TorchEQTransformer())
    if with_compile:
        field["PyTorch twin, torch.compile"] = lambda: torch_contender(TorchEQTransformer(), compiled=True)
    return field


def race(cupy: Any, clock: Clock, with_compile: bool) -> dict[str, dict[str, Any]]:
    """{contender: {"training 200": seconds, …, "peak bytes": …}}; what failed or did not fit stands in words."""
    tasks = [("training", b) for b in TRAINING_BATCHES] + [("inference", b) for b in INFERENCE_BATCHES]
    found: dict[str, dict[str, Any]] = {}
    for name, make in contenders(with_compile).items():
        row = found[name] = {}
        contender: Contender | None = None
        for kind, batch in tasks:
            if kind == "inference" and "graph" in name and "TF32" not in name:  # the same as launched
                continue
            if not clock.has(90 if "compile" in name else 15):
                row[f"{kind} {batch}"] = "no time left"
                continue
            try:
                contender = contender or make()
                row[f"{kind} {batch}"] = clock.seconds(contender(kind, batch))
            except Exception as error:  # one contender's trouble is not the others'
                row[f"{kind} {batch}"] = f"{type(error).__name__}: {error}"[:200]
        row["memory_bytes"] = memory_in_use(cupy)
        contender = None
        release(cupy)
    return found


def memory_in_use(cupy: Any) -> int:
    """Bytes of the card that are taken, by anybody."""
    free, total = cupy.cuda.runtime.memGetInfo()
    return int(total - free)


def release(cupy: Any) -> None:
    """Give back what a contender held."""
    import gc

    launch.use_tf32(False)
    gc.collect()
    cupy.get_default_memory_pool().free_all_blocks()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


# -- report ------------------------------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> str:
    """The measured, as text."""
    top = result["ceilings"]
    copy = top["copy_bytes_per_second"]
    lines = [result["machine"], result["gpu"], f"tests marked gpu: {result['tests']}", ""]
    lines += [f"copy {copy / 1e9:.0f} GB/s, matrix product {top['product_flop_per_second'] / 1e12:.1f} TFLOP/s", ""]
    lines += [f"{'operation':24}{'relative error':>16}"]
    lines += [f"{name:24}{error:16.1e}" for name, error in result["errors"].items()]
    lines += ["", f"one training step at batch {PAPER_BATCH}, launched: kernel by kernel"]
    lines += [f"{'kernel':32}{'calls':>6}{'µs':>10}{'MB':>10}{'of copy':>9}"]
    for name, row in sorted(result["kernels"].items(), key=lambda item: -item[1]["seconds"]):
        share = row["bytes"] / row["seconds"] / copy
        lines += [f"{name:32}{row['calls']:6.0f}{1e6 * row['seconds']:10.1f}{row['bytes'] / 1e6:10.2f}{share:9.0%}"]
    tasks = [f"training {b}" for b in TRAINING_BATCHES] + [f"inference {b}" for b in INFERENCE_BATCHES]
    lines += ["", "windows per second", f"{'':28}" + "".join(f"{task:>15}" for task in tasks) + f"{'GB':>7}"]
    for name, row in result["race"].items():
        speeds = [int(task.split()[1]) / row[task] if isinstance(row.get(task), float) else None for task in tasks]
        cells = "".join(f"{speed:15.0f}" if speed else f"{'–':>15}" for speed in speeds)
        lines += [f"{name:28}{cells}{row['memory_bytes'] / 1e9:7.2f}"]
    lines += [f"{name}, {task}: {row[task]}" for name, row in result["race"].items()
              for task in tasks if isinstance(row.get(task), str)]  # fmt: skip
    best = result["race"]["minieqt, one graph"].get(f"training {PAPER_BATCH}")
    if isinstance(best, float):
        hours = PAPER_WINDOWS / PAPER_BATCH * best / 3600
        text = f"STEAD: {hours:.2f} hours an epoch, {PAPER_EPOCHS * hours:.0f} for {PAPER_EPOCHS} epochs, if the data"
        lines += ["", f"{text} keep up (the paper: 4 V100s for about 89 hours)"]
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and write the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=positive, default=8.0, help="for everything (8)")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"({RESULTS})")
    options = parser.parse_args()
    cupy = array_module_for("cuda")
    clock = Clock(cupy, options.minutes)
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"]
    result: dict[str, Any] = {
        "machine": describe("numpy", "cupy-cuda12x", "cupy-cuda13x", "torch", "seisbench"),
        "gpu": name.decode() if isinstance(name, bytes) else str(name),
        "tests": run_tests(),
    }
    with backend.using("fast"):
        result["errors"] = kernel_errors(cupy)
        result["ceilings"] = ceilings(cupy, clock)
        result["kernels"] = take_apart(cupy, PAPER_BATCH)
        result["race"] = race(cupy, clock, not options.no_compile)
    write_text(options.out, json.dumps(result, indent=2) + "\n")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/gpu.py", main))

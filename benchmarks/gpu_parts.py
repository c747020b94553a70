"""What benchmarks/gpu.py measures, each part by itself: its process may die without taking the others with it.

    python benchmarks/gpu_parts.py "race: minieqt, one graph" part.json       one part, alone; writes what it found
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kernels.cuda import decoder, launch
from kernels.cuda.sources import FOLDER
from minieqt import EQTransformer, backend
from minieqt.adam import Adam
from minieqt.arguments import guarded
from minieqt.blocks.bilstm import UNITS
from minieqt.blocks.decoder import decoder_crops
from minieqt.blocks.encoder import FILTERS, KERNELS
from minieqt.data.loader import Batch
from minieqt.device import array_module_for
from minieqt.files import write_text
from minieqt.loss import WEIGHTS, probabilities
from minieqt.training.graph_step import REHEARSALS, GraphStep

ROOT = Path(__file__).resolve().parents[1]
PAPER_BATCH = 200
TASKS = [("training", PAPER_BATCH), ("inference", 256), ("training", 32), ("inference", 32), ("inference", 1)]
Contender = Callable[[str, int], Callable[[], object]]  # "training" or "inference", batch -> what does it once


def seconds(cupy: Any, once: Callable[[], object], rounds: int = 5, least: float = 0.05) -> float:
    """Median time of a call on the GPU, over rounds of as many calls as last `least` seconds; the first warms up."""
    wait = cupy.cuda.runtime.deviceSynchronize
    once()
    times, calls = [], 1
    while len(times) < rounds:
        wait()
        start = time.perf_counter()
        for _ in range(calls):
            once()
        wait()
        elapsed = time.perf_counter() - start
        if elapsed < least and calls < 10_000:
            calls *= 2
        else:
            times.append(elapsed / calls)
    return float(np.median(times))


# -- right before fast -------------------------------------------------------------------------------------------------


def card(cupy: Any) -> dict[str, Any]:
    """The GPU's name, its memory, and the versions of CUDA that the driver supports and that CuPy was made for."""
    runtime = cupy.cuda.runtime
    name = runtime.getDeviceProperties(0)["name"]
    return {
        "gpu": name.decode() if isinstance(name, bytes) else str(name),
        "memory_bytes": int(runtime.memGetInfo()[1]),
        "driver": runtime.driverGetVersion(),
        "runtime": runtime.runtimeGetVersion(),
    }


def compile_all(cupy: Any) -> dict[str, float]:
    """Seconds that NVRTC takes for every .cu file, in each precision; CuPy keeps what it has compiled on disk."""
    start = time.perf_counter()
    jobs = [(path.name, products) for path in sorted(FOLDER.glob("*.cu")) for products in (0, 1, 3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda job: launch.module(*job).compile(), jobs))
    return {"seconds": time.perf_counter() - start}


def run_tests(cupy: Any) -> str:
    """The last line of pytest on the tests that need a GPU."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    sys.stderr.write(done.stdout[-4000:] if done.returncode else "")
    return (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]


def kernel_errors(cupy: Any) -> dict[str, Any]:
    """{operation: largest relative error of any result}, float32 kernels against float64 definitions.

    For an operation that fails it is the error's text; after a fault of the GPU all that follow fail.
    """
    sys.path.insert(0, str(ROOT / "tests"))
    from test_twins import CASES, functions_of

    errors: dict[str, Any] = {}
    for stem in (stem for stem in sorted(CASES) if any(functions_of(stem, "cuda"))):  # the others consist of these
        try:
            errors[stem] = largest_error(cupy, stem)
        except Exception as error:
            errors[stem] = f"{type(error).__name__}: {error}"[:200]
    return errors


def largest_error(cupy: Any, stem: str) -> float:
    """The largest error of one operation, over all cases of tests/test_twins.py."""
    from test_twins import CASES, FLOOR, functions_of, results, with_dtype

    noise, worst = np.random.default_rng(1).standard_normal(997).astype(np.float32), 0.0
    for args in CASES[stem](np.random.default_rng(2)):
        rounded = with_dtype(args, np.float32)
        right = results(functions_of(stem), with_dtype(rounded, np.float64), noise)
        found = results(functions_of(stem, "cuda"), with_dtype(rounded, np.float32, cupy), noise)
        largest = max(np.linalg.norm(array) for array in right)
        for a, b in zip(found, right, strict=True):
            size = max(np.linalg.norm(b), FLOOR * largest)
            worst = max(worst, float(np.linalg.norm(a - b) / size)) if size else worst
    return worst


# -- what the GPU can do, and how much of it each kernel reaches -------------------------------------------------------


def ceilings(cupy: Any, values: int = 2**27, n: int = 8192) -> dict[str, float]:
    """Bytes per second of a copy (read and written), float32 operations per second of cuBLAS's matrix product."""
    a = cupy.ones(values, np.float32)
    b, square = cupy.empty_like(a), cupy.ones((n, n), np.float32)
    copy = seconds(cupy, lambda: cupy.copyto(b, a))
    product = seconds(cupy, lambda: square @ square)
    return {"copy_bytes_per_second": 2 * a.nbytes / copy, "product_flop_per_second": 2 * n**3 / product}


def take_apart(cupy: Any, batch: int = PAPER_BATCH, repeats: int = 5) -> dict[str, dict[str, float]]:
    """{kernel: calls, seconds, bytes} of one training step: medians. Bytes are its arrays', each counted once."""
    once = minieqt_contender(graph=False)("training", batch)
    once()
    plain, log = launch.on_device, []

    def timed(source: str, kernel: str, products: int) -> Any:
        function = plain(source, kernel, products)

        def start(grid: tuple, block: tuple, arguments: tuple, shared_mem: int = 0) -> None:
            if shared_mem > launch.DEFAULT_SHARED:
                function.max_dynamic_shared_size_bytes = shared_mem
            begin, end = cupy.cuda.Event(), cupy.cuda.Event()
            begin.record()
            function(grid, block, arguments, shared_mem=shared_mem)
            end.record()
            end.synchronize()  # the branches must not run side by side here
            size = sum(a.nbytes for a in arguments if isinstance(a, cupy.ndarray))
            log.append((kernel, begin, end, size))

        return start

    spans: dict[str, list[float]] = defaultdict(list)
    launch.on_device = timed  # type: ignore[assignment]
    try:
        for _ in range(repeats):
            log.clear()
            once()
            cupy.cuda.runtime.deviceSynchronize()
            for name in {entry[0] for entry in log}:
                times = [cupy.cuda.get_elapsed_time(*entry[1:3]) / 1e3 for entry in log if entry[0] == name]
                spans[name].append(sum(times))
    finally:
        launch.on_device = plain
    table = {}
    for name, times in spans.items():
        calls = [entry[3] for entry in log if entry[0] == name]
        table[name] = {"calls": len(calls), "seconds": float(np.median(times)), "bytes": float(sum(calls))}
    return table


def folding(cupy: Any, batch: int = PAPER_BATCH) -> dict[str, dict[str, float]]:
    """{stage: seconds, with folded taps and plain} of every decoder stage, forward and backward."""
    sizes, found, length = (UNITS, *FILTERS[:0:-1]), {}, 47
    for C, O, K, crop in zip(sizes, FILTERS[::-1], KERNELS[::-1], decoder_crops(6000), strict=True):
        x, W, b = (cupy.ones(shape, np.float32) for shape in ((batch, C, length), (O, C, K), O))
        length = 2 * length - sum(crop)
        dy, times = cupy.ones((batch, O, length), np.float32), {}
        for way in ("folded", "plain"):
            decoder.FOLDED = way == "folded"
            times[way] = seconds(cupy, lambda: stage_there_and_back(x, W, b, crop, dy))  # noqa: B023
        found[f"{C} to {O}, {K} taps, {length}"] = times
    decoder.FOLDED = True
    return found


def stage_there_and_back(x: Any, W: Any, b: Any, crop: tuple[int, int], dy: Any) -> None:
    """Forward and backward of one decoder stage."""
    _, cache = decoder.decoder_stage_forward(x, W, b, crop)
    decoder.decoder_stage_backward(dy, cache)


# -- contenders --------------------------------------------------------------------------------------------------------


def windows(batch: int) -> tuple[Any, Any]:
    """Random input (batch, 3, 6000) and labels of the same shape."""
    rng = np.random.default_rng(batch)
    return rng.standard_normal((batch, 3, 6000), np.float32), rng.random((batch, 3, 6000), np.float32)


def minieqt_contender(graph: bool, products: int | None = None) -> Contender:
    """Our network, its kernels launched one by one or as one graph; products: of launch.use_products."""
    launch.use_products(products)
    model = EQTransformer(lstm_blocks=2).to("cuda")
    xp = backend.array_module(model.vector)

    def prepare(kind: str, batch: int) -> Callable[[], object]:
        x, labels = (xp.asarray(a) for a in windows(batch))
        if kind == "inference":
            model.eval()
            if not graph:
                return lambda: [probabilities(z) for z in model.logits(x)]
            for _ in range(2):  # it is captured the second time
                model.forward(x)
            if model.replay.graph is None:
                raise RuntimeError("the network could not be captured")
            return lambda: model.forward(x)
        model.train()
        optimiser = Adam(model)
        if graph:
            step, given = GraphStep(model, optimiser), Batch(x, labels, np.arange(batch), 0)
            for _ in range(REHEARSALS + 1):
                step(given)
            if not step.graphs:
                raise RuntimeError("the step could not be captured")
            return lambda: step(given)

        def once() -> None:
            model.zero_gradients()
            model.loss_on_device(x, labels)
            model.backward(need_dx=False)
            optimiser.step()

        return once

    return prepare


def torch_contender(make: Callable[[], Any], compiled: bool = False, probabilities: bool = False) -> Contender:
    """A PyTorch network, on the GPU, with TF32 allowed."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    network = make().cuda()
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


def twin() -> Any:
    """The network of torch_network.py."""
    from torch_network import TorchEQTransformer

    return TorchEQTransformer()


def seisbench() -> Any:
    """SeisBench's network."""
    from seisbench.models import EQTransformer as SeisBench

    return SeisBench(lstm_blocks=2)


PRECISIONS = {0: "float32", 1: "TF32", 3: "3xTF32"}  # by products of TF32 in one of float32
CONTENDERS: dict[str, Callable[[], Contender]] = {
    "minieqt, one graph": partial(minieqt_contender, graph=True),
    "minieqt, float32": partial(minieqt_contender, graph=True, products=0),
    "minieqt, TF32": partial(minieqt_contender, graph=True, products=1),
    "SeisBench, eager": partial(torch_contender, seisbench, probabilities=True),
    "PyTorch twin, eager": partial(torch_contender, twin),
    "PyTorch twin, torch.compile": partial(torch_contender, twin, compiled=True),
    "minieqt, launched": partial(minieqt_contender, graph=False),
}


def race(cupy: Any, name: str, keep: Callable[[Any], None]) -> dict[str, Any]:
    """{"training 200": seconds, …, "memory_bytes": …} of one contender; a text for what failed or did not fit.

    `keep` is called after every task, so that what has been measured by then is kept, whatever happens.
    """
    contender = CONTENDERS[name]()
    own = PRECISIONS[launch.products(cupy.empty(0, np.float32))]
    row: dict[str, Any] = {"precision": own if name.startswith("minieqt") else "TF32 allowed"}
    for kind, batch in TASKS:
        try:
            row[f"{kind} {batch}"] = seconds(cupy, contender(kind, batch))
        except Exception as error:
            row[f"{kind} {batch}"] = f"{type(error).__name__}: {error}"[:200]
        free, total = cupy.cuda.runtime.memGetInfo()
        row["memory_bytes"] = max(row.get("memory_bytes", 0), int(total - free))
        keep(row)
    return row


PARTS: dict[str, Callable[[Any], Any]] = {
    "card": card,
    "compile": compile_all,
    "ceilings": ceilings,
    "errors": kernel_errors,
    "kernels": take_apart,
    "folding": folding,
    "tests": run_tests,
}


def measure(name: str, out: Path) -> int:
    """Run a part and write what it found, as JSON."""

    def keep(found: Any) -> None:
        write_text(out, json.dumps(found))

    cupy = array_module_for("cuda")
    with backend.using("fast"):
        kind, _, contender = name.partition(": ")
        keep(race(cupy, contender, keep) if kind == "race" else PARTS[name](cupy))
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/gpu.py", lambda: measure(sys.argv[1], Path(sys.argv[2]))))

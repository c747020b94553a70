"""How fast the network is on this processor, beside the same network in PyTorch, in one run.

    python benchmarks/cpu.py                   everything, about seven minutes; writes benchmarks/results/cpu.txt
    python benchmarks/cpu.py --no-compile      without torch.compile, which needs a C++ compiler
    python benchmarks/cpu.py --rounds 3 --out /dev/stdout

The contenders take turns, round after round, so that a busy neighbour disturbs them all alike; a figure is the median
of the rounds. PyTorch (torch, seisbench: `pip install -e '.[peers]'`) is left out where it is absent. The second table
shows one training step kernel by kernel, beside what this machine's BLAS reaches on a large matrix product. Last comes
the memory of a process that does nothing but train.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe, peak_mib, publish
from tqdm import tqdm

from kernels.cpu.polyphase.layout import bounds
from minieqt import EQTransformer, backend
from minieqt.adam import Adam
from minieqt.loss import WEIGHTS
from minieqt.threads import available_threads, limit_threads

RESULTS = Path(__file__).parent / "results" / "cpu.txt"
PEERS = ("SeisBench eager", "torch.compile")
Task = tuple[str, int]  # "inference" or "training step", batch size
TASKS: list[Task] = [("inference", batch) for batch in (1, 32, 256)] + [("training step", batch) for batch in (32, 200)]


TURN = 0.4  # seconds
PAUSE = 0.05  # seconds; OpenMP's threads sleep after a few milliseconds without work


def windows(batch: int) -> tuple[Any, Any]:
    """Random input (batch, 3, 6000) and labels of the same shape."""
    rng = np.random.default_rng(batch)
    return rng.standard_normal((batch, 3, 6000), np.float32), rng.random((batch, 3, 6000), np.float32)


def minieqt_contender(mode: str) -> Callable[[Task], Callable[[], None]]:
    """Our network in one of its two modes: a task -> a function that does it once."""
    model = EQTransformer(lstm_blocks=2)
    optimiser = Adam(model)

    def prepare(task: Task) -> Callable[[], None]:
        kind, (x, labels) = task[0], windows(task[1])

        def once() -> None:
            with backend.using(mode):
                if kind == "inference":
                    model.eval().forward(x)
                else:
                    model.train()
                    model.zero_gradients()
                    model.loss(x, labels)
                    model.backward(need_dx=False)
                    optimiser.step()

        return once

    return prepare


def torch_contender(compile_it: bool) -> Callable[[Task], Callable[[], None]]:
    """SeisBench's EQTransformer, with two LSTM blocks as ours: eager or through torch.compile."""
    import torch
    from seisbench.models import EQTransformer as SeisBenchEQTransformer

    network = SeisBenchEQTransformer(lstm_blocks=2)
    optimiser = torch.optim.Adam(network.parameters())
    call = torch.compile(network) if compile_it else network
    entropy = torch.nn.functional.binary_cross_entropy

    def prepare(task: Task) -> Callable[[], None]:
        kind, (x, labels) = task[0], (torch.from_numpy(a) for a in windows(task[1]))

        def once() -> None:
            if kind == "inference":
                network.eval()
                with torch.inference_mode():
                    call(x)
            else:
                network.train()
                optimiser.zero_grad()
                losses = (entropy(p, y) for p, y in zip(call(x), labels.unbind(1), strict=True))
                sum(w * loss for w, loss in zip(WEIGHTS, losses, strict=True)).backward()
                optimiser.step()

        return once

    return prepare


def contenders(with_compile: bool) -> dict[str, Callable[[Task], Callable[[], None]]]:
    """{name: contender}, PyTorch's where it is installed."""
    found = {"readable": minieqt_contender("readable"), "fast": minieqt_contender("fast")}
    try:
        found["SeisBench eager"] = torch_contender(False)
        if with_compile:
            found["torch.compile"] = torch_contender(True)
    except ImportError:
        print("torch or seisbench is not installed: no peer to compare with (pip install -e '.[peers]')")
    return found


def race(task: Task, field: dict[str, Callable], rounds: int) -> dict[str, float]:
    """{contender: windows per second}, medians of rounds in which they take turns.

    A turn lasts about equally long for all, so that none is measured by its first call only, when the caches still hold
    another's numbers. Before it there is a pause: OpenMP's threads spin on after their work, and would take a core from
    the next contender.
    """
    # torch.compile takes minutes for every new shape: it runs only at the batch size of the published figures.
    runners = {name: prepare(task) for name, prepare in field.items() if name != "torch.compile" or task[1] == 32}
    for once in runners.values():
        once()  # compiles, and allocates its memory
    repeats = {name: max(1, int(TURN / seconds_of(once, 1))) for name, once in runners.items()}
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in tqdm(range(rounds), f"{task[0]}, batch {task[1]}", leave=False):
        for name, once in runners.items():
            time.sleep(PAUSE)
            seconds[name].append(seconds_of(once, repeats[name]))
    return {name: task[1] / float(np.median(times)) for name, times in seconds.items()}


def seconds_of(once: Callable[[], None], repeats: int) -> float:
    """Seconds per call, the mean of `repeats` calls."""
    start = time.perf_counter()
    for _ in range(repeats):
        once()
    return (time.perf_counter() - start) / repeats


def blas_peak() -> float:
    """GFLOP/s of a single-precision matrix product of 2048 × 2048 by NumPy's BLAS on all cores: the best of ten."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((2048, 2048), np.float32)
    times = []
    with threadpool_limits(available_threads(), user_api="blas"):
        for _ in range(10):
            start = time.perf_counter()
            a @ a
            times.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(times) / 1e9


CONVOLUTIONS = ("conv1d", "decoder", "encoder", "rescnn_half")


def operations(name: str, batch: int, cache: Any) -> float:
    """Multiplications and additions of a convolution's kernel call, as its definition counts them; 0 for others.

    cache: what its forward kept.
    """
    if not name.startswith(CONVOLUTIONS):
        return 0.0
    kept = cache[-1] if name.startswith("rescnn") else cache  # a half normalises, then convolves
    if name.startswith("decoder"):
        ends = [bounds(stage, kept.plan.T) for stage in kept.plan.stages[1:]]
        lengths = [end - begin for begin, end in ends] + [ends[-1][1] - ends[-1][0]]  # the head's is the last stage's
    else:
        lengths = kept.plan.stages["length"][:-1].tolist()
    multiplied = [O * C * K * T for (O, C, K), T in zip(kept.shapes, lengths, strict=True)]
    if not name.endswith("_backward"):
        return 2.0 * batch * sum(multiplied)
    of_inputs = multiplied[1:] if name.startswith("encoder") else multiplied  # not that of the seismogram
    return 2.0 * batch * (sum(multiplied) + sum(of_inputs))


def take_apart(batch: int, repeats: int) -> tuple[dict[str, tuple[float, float, int]], float]:
    """{kernel: (seconds, operations, calls)} of a training step, and the whole step's seconds; medians of `repeats`."""
    once = minieqt_contender("fast")(("training step", batch))
    once()
    plain_twin, log = backend.twin, []

    def timed_twin(definition: Callable, device: str) -> Callable | None:
        kernel = plain_twin(definition, device)

        def timed(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = kernel(*arguments, **options)
            took, name = time.perf_counter() - start, definition.__name__
            cache = result[-1] if isinstance(result, tuple) else None
            if name.endswith("_backward"):
                cache = arguments[1]  # or cross_entropy's labels, whose operations are not counted
            log.append((name, took, operations(name, len(arguments[0]), cache)))
            return result

        return kernel and timed

    seconds, steps = defaultdict(list), []
    backend.twin = timed_twin
    try:
        for _ in range(repeats):
            log.clear()
            start = time.perf_counter()
            once()
            steps.append(time.perf_counter() - start)
            for name in {entry[0] for entry in log}:
                seconds[name].append(sum(entry[1] for entry in log if entry[0] == name))
        calls = {name: [entry for entry in log if entry[0] == name] for name in seconds}
    finally:
        backend.twin = plain_twin
    table = {
        name: (float(np.median(times)), sum(entry[2] for entry in calls[name]), len(calls[name]))
        for name, times in seconds.items()
    }
    return table, float(np.median(steps))


def peak_memory(steps: tuple[int, ...], batch: int) -> list[float]:
    """The process's peak memory in MiB after these numbers of training steps (in rising order) at a batch size."""
    once, peaks = minieqt_contender("fast")(("training step", batch)), []
    for number in range(1, steps[-1] + 1):
        once()
        if number in steps:
            peaks.append(peak_mib())
    return peaks


def memory_line() -> str:
    """`peak_memory` of a new process, in words."""
    steps, batch = (5, 50), 32
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        peaks = pool.apply(peak_memory, (steps, batch))
    after = " and ".join(f"{peak:.0f} MiB after {number} steps" for number, peak in zip(steps, peaks, strict=True))
    return f"training at batch {batch}, the whole process: at most {after}"


def report(rounds: int, with_compile: bool) -> str:
    """Both tables, as text."""
    threads, memory = available_threads(), memory_line()  # first, while this process is small
    lines = [describe("numpy", "numba", "torch", "seisbench"), f"{threads} threads, float32", ""]
    field = contenders(with_compile)
    lines += ["windows per second (median), and how many times the peer's",
              f"{'':24}" + "".join(f"{name:>17}" for name in field) + f"{'× eager':>10}{'× compile':>11}"]
    for task in TASKS:
        speed = race(task, field, rounds)
        ratios = [(speed["fast"] / speed.get(peer, np.nan), width) for peer, width in zip(PEERS, (10, 11), strict=True)]
        lines.append(
            f"{task[0] + ', batch ' + str(task[1]):24}"
            + "".join(f"{speed[name]:17.1f}" if name in speed else f"{'–':>17}" for name in field)
            + "".join(f"{ratio:{width}.2f}" if ratio == ratio else f"{'–':>{width}}" for ratio, width in ratios)
        )
    peak = blas_peak()
    table, step = take_apart(32, 2 * rounds + 1)
    lines += ["", f"one training step at batch 32: {1e3 * step:.1f} ms; this machine's BLAS: {peak:.0f} GFLOP/s",
              "rates count the operations of the definition (a decoder does a third: folding, Winograd's method)",
              f"{'kernel':26}{'calls':>6}{'ms':>9}{'share':>8}{'GFLOP/s':>9}{'of BLAS':>9}"]
    for name, (seconds, flop, calls) in sorted(table.items(), key=lambda row: -row[1][0]):
        rate = f"{flop / seconds / 1e9:9.0f}{flop / seconds / 1e9 / peak:9.0%}" if flop else f"{'–':>9}{'–':>9}"
        lines.append(f"{name:26}{calls:6d}{1e3 * seconds:9.2f}{seconds / step:8.1%}{rate}")
    convolutions = [row for row in table.values() if row[1]]
    total, flop = sum(row[0] for row in convolutions), sum(row[1] for row in convolutions)
    lines.append(f"{'all convolutions':26}{sum(r[2] for r in convolutions):6d}{1e3 * total:9.2f}{total / step:8.1%}"
                 f"{flop / total / 1e9:9.0f}{flop / total / 1e9 / peak:9.0%}")
    rest = step - sum(row[0] for row in table.values())
    lines.append(f"{'between the kernels':26}{'':6}{1e3 * rest:9.2f}{rest / step:8.1%}")
    lines += ["", memory]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds a task (7)")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"({RESULTS})")
    options = parser.parse_args()
    limit_threads(available_threads())
    publish([report(options.rounds, not options.no_compile)], options.out)


if __name__ == "__main__":
    main()

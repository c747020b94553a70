"""Compile the kernels before the work begins, and say so: the first time on a processor it takes one or two minutes.

They are compiled in two processes of their own, the transformer's and the decoder's in the second. A kernel that was
just compiled and the same kernel read back from disk may differ in a result's last bit (LLVM optimises them under
other circumstances), and a resumed run must not differ from an uninterrupted one: so every run reads them from disk.

For a network on a GPU its CUDA files are compiled instead, several at a time, and of the processor's kernels only the
data loader's. CuPy keeps what it has compiled on disk, too.

    python -m minieqt.warmup         compiles them now, for instance when an image is built
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from minieqt import backend
from minieqt.adam import Adam
from minieqt.blocks.bilstm import UNITS
from minieqt.data import Augmentation, Loader, open_dataset
from minieqt.data.synthetic import write_stead
from minieqt.kernels import kernel_module
from minieqt.layer import Layer
from minieqt.model import EQTransformer
from minieqt.processes import module_command, same_path

SHORT = 240  # samples: a small network whose decoder crops as that of 6000 does
SECOND_HALF, LOADER = "second-half", "loader"  # arguments that make a process compile only this
TITLE = "compiling the kernels for this processor, once"
GPU_TITLE = "compiling the kernels for this GPU, once"
AT_ONCE = 2.0  # seconds of compiling before anything is shown


def marker(part: str = "") -> Path | None:
    """An empty file whose existence means: for this processor and these sources everything, or `part`, is compiled.
    None if there is no folder to keep it in."""
    import llvmlite.binding
    from numba import config

    sources = kernel_module("cpu.runtime.compile").cache_folder()
    if sources is None:
        return None
    folder = Path(config.CACHE_DIR or sources)  # type: ignore[attr-defined]
    ready = f"ready-{sources.name}-{llvmlite.binding.get_host_cpu_name()}"
    return folder / (f"{ready}-{part}" if part else ready)


def warm_up(device: str = "cpu", loader: bool = False) -> None:
    """Have every kernel compiled and on disk that a network on this device needs, and with `loader` a data loader's;
    returns at once if that is so, or if no kernels are used.

    A progress bar appears while it compiles, or one line where the output is not a terminal.
    """
    if backend.mode() == "readable":
        return
    if device == "cuda":
        compile_for_gpu(importlib.import_module("cupy"))
        if not loader:
            return
    part = LOADER if device == "cuda" else ""
    whole, ready = marker(), marker(part)
    if whole is None or ready is None or whole.exists() or ready.exists():
        return
    command = module_command("minieqt.warmup", *([part] if part else []))
    if subprocess.run(command, env=same_path()).returncode == 0:
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.touch()


def compile_for_gpu(cupy: Any) -> None:
    """Every CUDA file for the current GPU, in the current precision, several at a time: NVIDIA's compiler releases the
    GIL, and takes seconds for each."""
    launch, folder = kernel_module("cuda.launch"), kernel_module("cuda.sources").FOLDER
    number, names = cupy.cuda.Device().id, sorted(path.name for path in folder.glob("*.cu"))
    products = launch.products(cupy.empty(0, np.float32))

    def compile_one(name: str) -> None:
        with cupy.cuda.Device(number):  # a new thread would use the first GPU
            launch.module(name, products).compile()

    with (
        ThreadPoolExecutor() as pool,
        tqdm(desc=GPU_TITLE, total=len(names), unit=" files", leave=False, delay=AT_ONCE, disable=None) as progress,
    ):
        start, shown = time.monotonic(), not progress.disable
        for done in as_completed([pool.submit(compile_one, name) for name in names]):
            done.result()
            progress.update()
            if not shown and time.monotonic() - start > AT_ONCE:
                print(f"{GPU_TITLE}: one or two minutes", flush=True)
                shown = True


def compile_kernels(length: int = SHORT, beside: bool = False) -> int:
    """A training step and an evaluation of a network for windows of `length` samples, and a batch from a data set;
    returns how many functions were compiled. `beside`: another process compiles the second half at the same time."""
    from numba.core import event

    network = EQTransformer(length=length)
    x = np.random.default_rng(0).standard_normal((2, 3, network.length), np.float32)
    with tqdm(desc=TITLE, unit=" functions", leave=False, disable=None) as progress:

        class Count(event.Listener):
            count = 0

            def on_start(self, event: Any) -> None:
                if self.count == 0 and progress.disable:
                    print(f"{TITLE}: one or two minutes", flush=True)
                self.count += 1
                progress.update()

            def on_end(self, event: Any) -> None:
                pass

        count = Count()
        with event.install_listener("numba:compile", count):
            load_a_batch()
            if beside:
                command, silent = module_command("minieqt.warmup", SECOND_HALF), subprocess.DEVNULL
                with subprocess.Popen(command, env=same_path(), stdout=silent, stderr=silent):
                    there_and_back(network, [network.encoder, network.rescnn, network.bilstm], x)
            network.eval().forward(x)
            network.train()
            network.loss(x, np.zeros_like(x))
            network.backward(need_dx=False)
            Adam(network).step()
    return count.count


def compile_second_half() -> None:
    """What a transformer and a decoder do in an evaluation and in a training step."""
    network, x = EQTransformer(length=SHORT), np.zeros((2, UNITS, -(-SHORT // 128)), np.float32)
    there_and_back(network, [network.transformers[0], network.detection], x)


def there_and_back(network: EQTransformer, layers: list[Layer], x: Any) -> None:
    """Run some layers, one after the other: forward in evaluation and in training, then backward."""
    for mode in (network.eval, network.train):
        mode()
        y = x
        for layer in layers:
            y = layer.forward(y)
    for layer in reversed(layers):
        y = layer.backward(y)


def load_a_batch() -> None:
    """Write two windows, then read, augment and label them."""
    with TemporaryDirectory() as folder:
        paths = Path(folder) / "two.hdf5", Path(folder) / "two.csv"
        write_stead(*paths, count=2, seed=0)
        with open_dataset(*paths) as dataset:
            list(Loader(dataset, np.arange(2), 4, augmentation=Augmentation()).epoch(0))


if __name__ == "__main__":
    if sys.argv[1:] == [SECOND_HALF]:
        compile_second_half()
    elif sys.argv[1:] == [LOADER]:
        print(f"{TITLE}: those that load data", flush=True)
        load_a_batch()
    else:
        compile_kernels(beside=True)

"""What NVIDIA's compiler makes of the kernels, counted without a GPU.

    python benchmarks/compiled.py                    every kernel for sm_90; writes benchmarks/results/compiled.txt
    python benchmarks/compiled.py --card sm_80 lstm.cu encoder.cu

Of every kernel: the registers of a thread, the bytes that did not fit into them, all its instructions, how many of them
load from device memory and how many are roots and exponentials (MUFU), and its inner loops that multiply, as
"multiply-adds of instructions, loads from shared memory". A quarter of a multiprocessor starts at most one instruction
per cycle, so that the share of multiply-adds (FFMA; on tensor cores HMMA, 32 of them in one) is the part of the GPU's
rate that a loop can reach.

It needs NVIDIA's compiler and disassembler: pip install nvidia-cuda-nvrtc nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nvrtc
from kernel_files import kernel_files
from machine import describe
from tqdm import tqdm

from minieqt.arguments import guarded
from minieqt.errors import UserError
from minieqt.files import write_text

RESULTS = Path(__file__).parent / "results" / "compiled.txt"
PACKAGES = ("nvidia-cuda-nvrtc", "nvidia-cuda-cuobjdump")
ON_TENSOR_CORES = "correlate.cuh", "weights.cuh"  # what includes one of these is another program on tensor cores

FUNCTION = re.compile(r"Function : (\w+)")
USAGE = re.compile(r"Function (\w+):\s*REG:(\d+) STACK:(\d+)")
INSTRUCTION = re.compile(r"\s+/\*([0-9a-f]{4,5})\*/\s+(?:@!?U?P\w+\s+)?([A-Z0-9]+)[A-Z0-9_.]*(.*);")


class Kernel(NamedTuple):
    """Of one kernel: what a thread needs, and its instructions as (address, name, operands)."""

    registers: int
    stack: int
    code: list[tuple[int, str, str]]


def disassemble(code: bytes) -> dict[str, Kernel]:
    """The kernels of a compiled file. UserError without the disassembler."""
    tool = nvrtc.file_of("nvidia-cuda-cuobjdump", "cuobjdump")
    if tool is None:
        raise UserError("the disassembler is missing: pip install nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm")
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(code)
        file.flush()
        done = subprocess.run([tool, "-sass", "-res-usage", file.name], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"cuobjdump: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return read(done.stdout)


def read(text: str) -> dict[str, Kernel]:
    """cuobjdump's output as kernels."""
    usage = {name: (int(registers), int(stack)) for name, registers, stack in USAGE.findall(text)}
    codes: dict[str, list[tuple[int, str, str]]] = {}
    name = ""
    for line in text.splitlines():
        if found := FUNCTION.search(line):
            name = found[1]
        elif found := INSTRUCTION.match(line):
            codes.setdefault(name, []).append((int(found[1], 16), found[2], found[3]))
    return {name: Kernel(*usage[name], code) for name, code in codes.items()}


def inner_loops(code: list[tuple[int, str, str]]) -> Iterator[Counter]:
    """What each loop without another in it is made of: {instruction: how often}."""
    places, loops = {address: i for i, (address, *_) in enumerate(code)}, []
    for end, (address, name, operands) in enumerate(code):
        target = re.search(r"0x([0-9a-f]+)", operands)
        if name == "BRA" and target and int(target[1], 16) < address and int(target[1], 16) in places:
            loops.append((places[int(target[1], 16)], end))
    for begin, end in loops:
        if not any(begin <= other[0] and other[1] <= end for other in loops if other != (begin, end)):
            yield Counter(name for _, name, _ in code[begin : end + 1])


def described(kernel: Kernel) -> str:
    """A kernel's numbers, and those of the loops in which multiply-adds are the most frequent, the longest first."""
    found = set()
    for loop in inner_loops(kernel.code):
        products, tensor = loop["FFMA"], loop["HMMA"]
        if tensor or products >= 16:
            kind = f"{tensor} HMMA" if tensor else f"{products} FFMA"
            found.add((-loop.total(), f"{kind} of {loop.total()}, {loop['LDS']} loads"))
    names = Counter(name for _, name, _ in kernel.code)
    counts = f"{kernel.registers:5d}{kernel.stack:7d}{len(kernel.code):7d}{names['LDG']:6d}{names['MUFU']:6d}"
    return f"{counts}   " + "; ".join(text for _, text in sorted(found)[:4])


def report(job: tuple[Path, str, int]) -> list[str]:
    """One line for every kernel of a file."""
    path, card, products = job
    code, log = nvrtc.compiled(path.read_text(encoding="utf-8"), path.name, card, products)
    if not code:
        raise UserError(f"{path.name} does not compile for {card}: {log.strip().splitlines()[0]}")
    suffix = " 3xTF32" if products else ""
    return [f"{name + suffix:40}{described(kernel)}".rstrip() for name, kernel in sorted(disassemble(code).items())]


def main() -> int:
    """Compile, count, print the table, and write the results file if it is of all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="names of .cu files in kernels/cuda (all)")
    parser.add_argument("--card", default="sm_90", help="which cards to compile for (sm_90: H100, H200)")
    options = parser.parse_args()
    paths = kernel_files(options.files, "*.cu")
    try:
        nvrtc.library()
    except FileNotFoundError as error:
        raise UserError(f"{error}: pip install nvidia-cuda-nvrtc") from None
    jobs = []
    for path in paths:
        both = any(f'"{header}"' in path.read_text(encoding="utf-8") for header in ON_TENSOR_CORES)
        jobs += [(path, options.card, products) for products in ((0, 3) if both else (0,))]
    lines = [describe(*PACKAGES), f"compiled for {options.card}", ""]
    counts = f"{'regs':>5}{'stack':>7}{'code':>7}{'loads':>6}{'MUFU':>6}"
    lines += [f"{'kernel':40}{counts}   inner loops: multiply-adds of instructions, loads"]
    with ThreadPoolExecutor() as pool:
        for part in tqdm(pool.map(report, jobs), "compiling", len(jobs), leave=False, disable=None):
            lines += part
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if not options.files and options.card == "sm_90":
        write_text(RESULTS, text)
    return 0


if __name__ == "__main__":
    sys.exit(guarded("benchmarks/compiled.py", main))

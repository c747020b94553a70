"""What is read out of a disassembler's words, and one line where a tool or a file is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import compiled
import nvrtc
import pytest

from minieqt.errors import UserError

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "compiled.py"
WORDS = """
 Function add:
  REG:14 STACK:8 SHARED:0 LOCAL:0 TEXTURE:0
	Function : add
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/                   LDS R2, [R3] ;
        /*0020*/               @P0 FFMA R4, R2, R2, R4 ;
        /*0030*/              @!P0 BRA 0x10 ;
        /*0040*/                   IADD3 R5, R5, 0x1, RZ ;
        /*0050*/               @P1 BRA 0x0 ;
        /*0060*/                   BRA 0x60 ;
"""


def test_a_loop_within_another():
    (kernel,) = compiled.read(WORDS).values()
    assert (kernel.registers, kernel.stack, len(kernel.code)) == (14, 8, 7)
    (loop,) = compiled.inner_loops(kernel.code)
    assert loop == {"LDS": 1, "FFMA": 1, "BRA": 1}


def test_the_line_of_a_kernel():
    step = [("LDS", 4), ("FFMA", 32), ("BRA", 1)]
    code, address = [], 0
    for name, count in step:
        for _ in range(count):
            code.append((address, name, " 0x0" if name == "BRA" else " R1"))
            address += 16
    code = [(0, "NOP", ""), *((at + 16, name, " 0x10" if name == "BRA" else words) for at, name, words in code)]
    line = compiled.described(compiled.Kernel(40, 0, code))
    assert line.split() == ["40", "0", "38", "0", "0", "32", "FFMA", "of", "37,", "4", "loads"]


@pytest.mark.parametrize("package", ["nvidia-cuda-nvrtc", "nvidia-cuda-cuobjdump"])
def test_without_a_tool(monkeypatch, package):
    find = nvrtc.file_of
    monkeypatch.setattr(nvrtc, "file_of", lambda name, file: None if name == package else find(name, file))
    nvrtc.library.cache_clear()
    monkeypatch.setattr(sys, "argv", ["compiled.py", "adam.cu"])
    if package != "nvidia-cuda-nvrtc" and find("nvidia-cuda-nvrtc", "libnvrtc.so") is None:
        pytest.skip("nvidia-cuda-nvrtc is not installed")
    with pytest.raises(UserError, match=f"pip install {package}"):
        compiled.main()
    nvrtc.library.cache_clear()


def test_no_such_file():
    done = subprocess.run([sys.executable, PROGRAM, "nothing.cu"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("benchmarks/compiled.py: there is no nothing.cu in ")

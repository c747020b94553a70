"""Every .cu file compiles with NVIDIA's own compiler for the cards it is meant for. NVRTC needs no GPU."""

from __future__ import annotations

import nvrtc
import pytest

from kernels.cuda.sources import FOLDER

ARCHITECTURES = ("sm_80", "sm_90")


@pytest.fixture(autouse=True)
def compiler():
    try:
        nvrtc.library()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.cu")), ids=lambda path: path.name)
def test_every_source_compiles(path, architecture):
    code, log = nvrtc.compiled(path.read_text(encoding="utf-8"), path.name, architecture)
    assert code, log


@pytest.mark.parametrize("name", ["conv1d.cu", "encoder.cu", "decoder.cu", "decoder_folded.cu", "rescnn.cu", "lstm.cu"])
@pytest.mark.parametrize("products", [1, 3])
def test_tensor_cores_compile(name, products):
    code, log = nvrtc.compiled((FOLDER / name).read_text(encoding="utf-8"), name, "sm_80", products)
    assert code, log


def test_a_mistake_is_found():
    wrong = 'extern "C" __global__ void broken(float* y) { y[0] = nothing; }'
    code, log = nvrtc.compiled(wrong, "broken.cu", "sm_80")
    assert not code and "nothing" in log

"""The host build is tested before it is believed: it catches what it must. Then the kernels in its slow passes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_cases import WITH_KERNELS, outputs, small_cases

from kernels.cuda import on_host
from kernels.cuda.correlate import even_blocks
from kernels.cuda.launch import launch, shared_bytes
from kernels.cuda.lstm import lstm_forward
from kernels.cuda.watchers.traffic import Touch, counted, last_touches

pytestmark = pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")

ROOT = Path(__file__).resolve().parents[3]
TOYS = str(Path(__file__).with_name("toys.cu"))
N = 64


def run(kernel, *arguments, blocks=1, threads=N, shared=0):
    launch(TOYS, kernel, blocks, threads, arguments, shared)


@pytest.fixture
def x(rng):
    return rng.standard_normal(N).astype(np.float32)


def test_threads_wait_for_each_other(x):
    y, z = np.zeros(N, np.float32), np.zeros(N, np.float32)
    half = {"blocks": 2, "threads": N // 2, "shared": shared_bytes(N // 2)}
    run("turn_round", x, y, **half)
    with on_host.reversed_order():
        run("turn_round", x, z, **half)
    np.testing.assert_array_equal(y, x.reshape(2, -1)[:, ::-1].ravel())
    np.testing.assert_array_equal(z, y)


def test_a_missing_barrier_shows_in_another_order(x):
    y, z = np.zeros(N, np.float32), np.zeros(N, np.float32)
    run("turn_round_too_early", x, y, shared=shared_bytes(N))
    with on_host.reversed_order():
        run("turn_round_too_early", x, z, shared=shared_bytes(N))
    assert not np.array_equal(y, z)


def test_warps_exchange(x):
    y = np.zeros(N, np.float32)
    run("shift_within_warp", x, y)
    warps = x.reshape(-1, 32)
    shifted = np.concatenate([warps[:, 1:], warps[:, -1:]], axis=1)
    np.testing.assert_array_equal(y, (shifted + warps[:, 3:4]).ravel())
    run("sum", x, y, shared=shared_bytes(32))
    np.testing.assert_allclose(y, x.sum(), rtol=1e-5)
    assert (y == y[0]).all()


def test_atomics():
    total = np.zeros(1, np.int32)
    run("count", total, blocks=3)
    assert total[0] == 3 * N * (N - 1) // 2


def test_shared_memory_is_not_a_number_at_first():
    y = np.zeros(N, np.float32)
    run("never_written", y, shared=shared_bytes(N))
    assert np.isnan(y).all()


def test_shared_memory_of_a_fixed_size(x):
    fixed, y = str(Path(TOYS).with_name("fixed.cu")), np.zeros(N, np.float32)
    launch(fixed, "turn_fixed", 2, N, (x, y))
    np.testing.assert_array_equal(y, x[::-1])  # and it is NaN again where a block begins
    with on_host.watched("races"):
        launch(fixed, "turn_fixed", 1, N, (x, y))
        with pytest.raises(RuntimeError, match=r"shared memory, .*: thread 31 .* at fixed.cu:14, thread 32 .* at"):
            launch(fixed, "turn_fixed_early", 1, N, (x, y))


def test_a_grid_of_nothing():
    run("beyond_array", np.zeros(1, np.float32), blocks=0)


@pytest.mark.parametrize(
    "kernel, options, message",
    [
        ("some_wait", {}, "some_wait .*: a barrier was not reached by all threads"),
        ("sum", {"shared": 0}, "takes 128 bytes of shared memory, launched with 0"),
        ("sum", {"shared": 128, "threads": 40}, "a warp that is not whole"),
        ("sum", {"shared": 128, "threads": 2048}, "2048 threads in a block"),
    ],
)
def test_what_a_gpu_would_not_tell(x, kernel, options, message):
    arguments = (x,) if kernel == "some_wait" else (x, x.copy())
    with pytest.raises(RuntimeError, match=message):
        run(kernel, *arguments, **options)


def test_arguments_of_another_type(x):
    for wrong in ((x.astype(np.float64), x), (x,), (x, x, x), (x, 2)):
        with pytest.raises(TypeError, match=r"turn_round of .* takes f4\* f4\*, launched with"):
            run("turn_round", *wrong, shared=shared_bytes(N))


@pytest.mark.parametrize(
    "kernel, blocks, report",
    [
        ("turn_round", 1, None),
        ("sum", 1, None),
        ("warp_after_barrier", 1, None),
        (
            "turn_round_too_early",
            1,
            "shared memory, byte 128: thread 31 .* toys.cu:17, thread 32 .* wrote at toys.cu:16",
        ),
        ("warp_without_barrier", 1, "shared memory, byte 4: thread 0 of block 0 read at .*, thread 1 of block 0 wrote"),
        ("warp_after_shuffle", 1, "shared memory, byte 4: thread 1 of block 0 wrote at .*, thread 0 of block 0 read"),
        ("written_while_read", 1, "shared memory, byte 0: thread 0 .* wrote at .*, thread 1 .* read"),
        ("taken_again_too_early", 1, "shared memory, byte 124: thread 31 .* wrote at .*, thread 32 .* read"),
        ("blocks_write_one_number", 2, "array 2, byte 0: thread 0 of block 0 wrote at .*, thread 0 of block 1 wrote"),
        ("blocks_read_a_neighbour", 2, "array 2, byte 0: thread 0 of block 0 wrote at .*, thread 0 of block 1 read"),
    ],
)
def test_races_are_seen(kernel, blocks, report):
    x, y = np.ones(2 * N, np.float32), np.zeros(2 * N, np.float32)
    with on_host.watched("races"):
        if report is None:
            run(kernel, x, y, blocks=blocks, shared=shared_bytes(N))
        else:
            with pytest.raises(RuntimeError, match=f"{kernel} of .*: a race in {report}"):
                run(kernel, x, y, blocks=blocks, shared=shared_bytes(N))


def test_atomics_are_no_race():
    with on_host.watched("races"):
        test_atomics()


def counts(kernel, *arguments, **options):
    """{where and what: requests, units, least} of a toy; and the bytes of device memory that it touches."""
    launches = []
    with counted(launches.append):
        run(kernel, *arguments, **options)
    (traffic,) = launches
    assert traffic.kernel == kernel and all(part.line.startswith("toys.cu:") for part in traffic.moved)
    names = [f"{'shared' if part.shared else 'device'} {'write' if part.writes else 'read'}" for part in traffic.moved]
    return sorted((name, *part[3:]) for name, part in zip(names, traffic.moved, strict=True)), traffic.touched


def test_what_lies_side_by_side_moves_at_once(x):
    found, touched = counts("turn_round", x, x.copy(), shared=shared_bytes(N))  # two warps, in either memory
    sectors, passes = (2, 2 * 4, 2 * 4), (2, 2, 2)
    assert found == [
        ("device read", *sectors),
        ("device write", *sectors),
        ("shared read", *passes),
        ("shared write", *passes),
    ]
    assert touched == 2 * 4 * N


def test_what_lies_apart_moves_one_by_one():
    x, y = np.ones(8 * 32, np.float32), np.zeros(32, np.float32)
    found, touched = counts("far_apart", x, y, threads=32, shared=shared_bytes(32 * 32))
    assert found == [
        ("device read", 1, 32, 4),
        ("device write", 1, 4, 4),
        ("shared read", 1, 1, 1),  # one word for all
        ("shared read", 1, 32, 1),
        ("shared write", 1, 32, 1),
    ]
    assert touched == 32 * 32 + 4 * 32


def test_every_access_is_kept_in_its_order(x):
    seen = []
    with on_host.watched("traffic", lambda source, kernel, kernels: seen.extend(last_touches(kernels))):
        run("turn_round", x, x.copy(), blocks=2, threads=N // 2, shared=shared_bytes(N // 2))
    second = [touch for touch in seen if (touch.block, touch.thread) == (1, 3)]
    assert second == [
        Touch(memory=1, writes=False, offset=4 * 35, bytes=4, block=1, thread=3),
        Touch(memory=0, writes=True, offset=4 * 3, bytes=4, block=1, thread=3),
        Touch(memory=0, writes=False, offset=4 * 28, bytes=4, block=1, thread=3),
        Touch(memory=2, writes=True, offset=4 * 35, bytes=4, block=1, thread=3),
    ]


def test_what_does_not_compile(tmp_path):
    (tmp_path / "broken.cu").write_text('extern "C" __global__ void broken(float* y) { y[0] = nothing; }')
    with pytest.raises(RuntimeError, match="nothing"):
        on_host.library(str(tmp_path / "broken.cu"))


# -- the kernels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strips, most, blocks", [(0, 4, 1), (1, 4, 1), (4, 4, 4), (5, 4, 3), (200, 128, 100)])
def test_strips_are_shared_evenly(strips, most, blocks):
    assert even_blocks(strips, most) == blocks


@pytest.mark.parametrize("H, fits", [(16, True), (60, True), (64, False), (256, False)])
def test_an_lstm_that_fits_no_block_is_left_to_the_definition(H, fits):
    """Shared memory ends before the threads of a block do."""
    W, U, b = (np.ones(shape, np.float32) for shape in ((1, 4 * H, 3), (1, 4 * H, H), (1, 4 * H)))
    found = lstm_forward(np.ones((1, 3, 2), np.float32), W, U, b)
    assert (found is not NotImplemented) == fits


@pytest.mark.parametrize("stem", WITH_KERNELS)
def test_the_order_of_threads_does_not_matter(stem):
    """To the bit: every read is behind a barrier, every sum has an order."""
    for args, _ in small_cases(stem):
        forwards = outputs(stem, args)
        with on_host.reversed_order():
            backwards = outputs(stem, args)
        for a, b in zip(forwards, backwards, strict=True):
            np.testing.assert_array_equal(a, b)


def sanitized(*command):
    """Run Python with AddressSanitizer in front of everything."""
    libraries = [
        subprocess.run([on_host.COMPILER, f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    if not all(Path(library).is_absolute() for library in libraries):
        pytest.skip("g++ came without its sanitizers")
    paths = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
        "MINIEQT_SANITIZE": "1",
        "MINIEQT_KERNELS": "off",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    "kernel, where", [("beyond_shared", "first[threadIdx.x + 1]"), ("beyond_array", "y[threadIdx.x + 1]")]
)
def test_an_index_out_of_bounds_is_caught(kernel, where):
    program = f"import numpy as np, test_on_host as t; t.run({kernel!r}, np.zeros(t.N, np.float32), shared=4096)"
    done = sanitized("-c", program)
    line = 1 + next(i for i, text in enumerate(Path(TOYS).read_text().splitlines()) if where in text)
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr and f"toys.cu:{line}" in done.stderr


def test_kernels_under_sanitizers():
    done = sanitized("-c", "from kernels.cuda import on_host; on_host.build_all()")
    assert done.returncode == 0, done.stderr
    done = sanitized(str(Path(__file__).with_name("small_cases.py")))
    assert done.returncode == 0 and done.stdout == "clean\n", done.stderr[-4000:]

"""A result does not depend on the number of threads: to the bit, forward and backward."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from numba import config, get_num_threads, set_num_threads

from kernels.cpu.adam import adam_step
from minieqt.warmup import warm_up

STEP = """
import hashlib
import numpy as np
from minieqt import EQTransformer

model = EQTransformer(length=768)
rng = np.random.default_rng(5)
x, labels = rng.standard_normal((13, 3, 768), np.float32), rng.random((13, 3, 768), np.float32)
digest = hashlib.sha256()
model.train()
digest.update(np.float64(model.loss(x, labels)).tobytes())
digest.update(model.backward().tobytes())
digest.update(model.gradient.tobytes())
for output in model.eval().forward(x):
    digest.update(output.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor cannot run two threads side by side")
def test_one_thread_or_two():
    warm_up()  # both from disk: a kernel just compiled may differ in the last bit
    digests = {
        subprocess.run(
            [sys.executable, "-c", STEP],
            env=os.environ | {"NUMBA_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": "1"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == len(hashlib.sha256().hexdigest())


@pytest.mark.skipif(config.NUMBA_NUM_THREADS < 2, reason="Numba may use one thread only")
def test_adam_on_one_thread_or_two(rng):
    threads, count = get_num_threads(), 371_639  # the network's: no number of threads divides it into whole vectors
    zeros = np.zeros(count, np.float32)
    try:
        for step in range(1, 11):
            gradient, m = rng.standard_normal((2, count), np.float32)
            v, moved = m * m, []
            for number in (1, 2):
                set_num_threads(number)
                theta = zeros.copy()
                adam_step(theta, gradient, m.copy(), v.copy(), zeros, zeros, step, 1e-3)
                moved.append(theta)
            assert np.array_equal(*moved)
    finally:
        set_num_threads(threads)

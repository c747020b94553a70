"""The first few cases of every twin, for passes that are slow: under sanitizers, and in another order of threads."""

from __future__ import annotations

from itertools import islice

import numpy as np
from test_twins import CASES, assert_case_agrees, functions_of, results, with_dtype

CASES_EACH = 4
WITH_KERNELS = [stem for stem in sorted(CASES) if any(functions_of(stem, "host"))]  # others are made of these


def small_cases(stem):
    """Arguments in float32, and the generator that they came from."""
    rng = np.random.default_rng(20201203)
    for args in islice(CASES[stem](rng), CASES_EACH):
        yield with_dtype(args, np.float32), rng


def outputs(stem, args):
    """What the kernels give on the host, all arrays in a row."""
    noise = np.random.default_rng(1).standard_normal(997).astype(np.float32)
    return results(functions_of(stem, "host"), [np.copy(a) if isinstance(a, np.ndarray) else a for a in args], noise)


if __name__ == "__main__":  # under sanitizers, which end the process at the first mistake
    for stem in WITH_KERNELS:
        for args, rng in small_cases(stem):
            assert_case_agrees(stem, "host", args, rng)
    print("clean")

"""BLAS gets one thread, the kernels as many as asked for."""

from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits

from minieqt.threads import available_threads, limit_threads


def test_limit_threads():
    from numba import config, get_num_threads, set_num_threads

    kernels = get_num_threads()
    with threadpool_limits(None):  # restores what was in force
        limit_threads(1)
        assert get_num_threads() == 1
        assert all(pool["num_threads"] == 1 for pool in threadpool_info() if pool["user_api"] == "blas")
        limit_threads(10_000)
        assert get_num_threads() == config.NUMBA_NUM_THREADS
    set_num_threads(kernels)


def test_there_is_at_least_one():
    assert available_threads() >= 1

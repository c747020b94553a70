"""Same key, same window, on every path: as a program, since Numba's simulator must be chosen before it is imported.

python tests/data/every_path.py FILE.hdf5 FILE.csv, with NUMBA_ENABLE_CUDASIM=1
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_device import simulate, stand_in
from test_loader import windows_of

from minieqt.backend import using
from minieqt.data import Augmentation, Loader, open_dataset
from minieqt.data.device import ROOM, DeviceLoader, OnDevice

SOME = st.sampled_from([0, 0.5, 1])
rates = st.builds(Augmentation, *[SOME] * 7, st.sampled_from([0, 0.97]), st.just(0))


@settings(max_examples=8, deadline=None, database=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 1000),
    augmentation=st.none() | rates,
    rows=st.lists(st.integers(0, 39), min_size=2, max_size=3, unique=True),
    threads=st.integers(0, 3),
    block=st.integers(0, 2),
)
def check(dataset, seed, epoch, augmentation, rows, threads, block):
    """The definition's windows against everybody else's; what the processor's kernels make is the same to the bit."""
    loader = partial(Loader, dataset, np.array(rows), seed=seed, augmentation=augmentation)
    with using("readable"):
        defined = windows_of(loader(batch_size=2, shuffle=False, threads=0), epoch)
    assert set(defined) == {(row, copy) for row in rows for copy in range(2 if augmentation else 1)}
    alone = windows_of(loader(batch_size=2, threads=0), epoch)
    together = windows_of(loader(batch_size=8, threads=threads, block=block), epoch)
    shards = [windows_of(loader(batch_size=4, shard=(rank, 2), threads=threads), epoch) for rank in range(2)]
    resident = OnDevice(dataset, np.array(rows), stand_in(), 2 * ROOM)
    options = {"batch_size": 2, "seed": seed, "augmentation": augmentation}
    simulated = windows_of(DeviceLoader(resident, dataset, np.array(rows), **options), epoch)
    for key, (x, labels) in defined.items():
        for fast in (alone, simulated):
            np.testing.assert_allclose(fast[key][0], x, atol=2e-5, rtol=1e-5)
            np.testing.assert_allclose(fast[key][1], labels, atol=1e-6)
        for same in (together, shards[0] | shards[1]):
            np.testing.assert_array_equal(same[key], alone[key])


if __name__ == "__main__":
    simulate()
    with open_dataset(*sys.argv[1:]) as opened:
        check(opened)

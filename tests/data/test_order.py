"""The order of an epoch."""

from __future__ import annotations

import numpy as np

from minieqt.data.order import BUFFER, shuffled


def test_every_row_once_and_another_order_each_epoch():
    rows = np.arange(5, 905)
    for block in (0, 10):
        orders = [shuffled(rows, 1, epoch, block) for epoch in range(3)]
        for order in orders:
            assert sorted(order) == rows.tolist() != order.tolist()
        assert not np.array_equal(orders[0], orders[1])
        np.testing.assert_array_equal(orders[0], shuffled(rows, 1, 0, block))
        assert not np.array_equal(orders[0], shuffled(rows, 2, 0, block))


def test_blocks_of_neighbours_are_read_together():
    order = shuffled(np.arange(100_000), 0, 0, block=100)
    buffer = 100 * BUFFER
    for start in range(0, 100_000 - buffer, buffer):
        part = order[start : start + buffer]
        assert len(np.unique(part // 100)) == BUFFER  # whole blocks, from anywhere
        assert np.ptp(part) > 10_000
    inside = np.abs(np.diff(order[:buffer] // 100)) == 0
    assert inside.mean() < 0.2  # and shuffled among each other


def test_what_is_left_out_does_not_change_the_order_of_the_rest():
    rows = np.arange(300)
    fewer = shuffled(rows[::3], 4, 2).tolist()
    assert fewer == [row for row in shuffled(rows, 4, 2).tolist() if row in fewer]

"""The order of an epoch."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.order import BUFFER, mixture, shuffled
from minieqt.errors import UserError


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


# -- shares ------------------------------------------------------------------------------------------------------------


GROUPS = [np.arange(100), np.arange(200, 207)]


def test_each_group_has_its_share_and_no_window_comes_twice():
    mixed = mixture(GROUPS, [3, 1], 40)
    assert len(mixed) == 40 and mixed.counts == (30, 10)
    seen = []
    for epoch in range(14):
        rows, passes = mixed.order(5, epoch)
        assert ((rows < 100).sum(), (rows >= 200).sum()) == (30, 10)
        seen += zip(rows.tolist(), passes.tolist(), strict=True)
    assert len(set(seen)) == len(seen) == 14 * 40
    # 140 windows of seven rows: twenty passes, each over all of them
    assert {pair for pair in seen if pair[0] >= 200} == {(row, n) for row in range(200, 207) for n in range(20)}


def test_a_mixed_order_depends_on_seed_and_epoch_alone():
    mixed = mixture(GROUPS, [1, 1], 64)
    one, again = mixed.order(5, 3), mixture(GROUPS, [2, 2], 64).order(5, 3)
    assert (one[0] == again[0]).all() and (one[1] == again[1]).all()
    assert (one[0] != mixed.order(6, 3)[0]).any() and (one[0] != mixed.order(5, 4)[0]).any()
    early = (one[0][:32] < 100).sum()
    assert 8 < early < 24  # the groups are shuffled among each other


def test_counts_add_up():
    assert mixture([np.arange(5)] * 3, [1, 1, 1], 100).counts == (34, 33, 33)
    assert mixture([np.arange(5)] * 3, [0.2, 0.3, 0.5], 7).counts == (1, 2, 4)


@pytest.mark.parametrize(
    "groups, shares, windows, message",
    [
        (GROUPS, [1], 40, "1 shares for 2 data sets"),
        (GROUPS, [1, 0], 40, "share 0 of data set 2 must be above zero"),
        ([np.arange(3), np.arange(0)], [1, 2], 40, "data set 2 has no training window"),
        (GROUPS, [1000, 1], 40, "a share of 1 of data set 2 is less than one of an epoch's 40 windows"),
    ],
)
def test_shares_that_do_not_fit(groups, shares, windows, message):
    with pytest.raises(UserError, match=message):
        mixture(groups, shares, windows)

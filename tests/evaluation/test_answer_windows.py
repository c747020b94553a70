"""Every picker on the same windows: order, batches, traces that cannot be read, memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from minieqt.data.table import BadTrace
from minieqt.errors import UserError
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.answers import Answers


class Numbered:
    """A data set whose every window holds its own number; some cannot be read."""

    def __init__(self, count, bad=()):
        self.count, self.bad = count, set(bad)

    def __len__(self):
        return self.count

    def read_into(self, rows, out):
        out[...] = rows[:, None, None]
        return {i: BadTrace(str(row), "spoilt", "") for i, row in enumerate(rows.tolist()) if row in self.bad}


class Reader:
    """A picker that answers with what it reads, and notes how it was asked."""

    alone = False

    def __init__(self, name="reader"):
        self.name, self.asked = name, []

    def __call__(self, x, first):
        self.asked.append((first, len(x)))
        return Answers({"P": x[:, 0, 0].astype(float)}, {"P": np.arange(first, first + len(x))})


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_answers_come_in_order_whatever_the_batches(batch_size):
    reader, other = Reader(), Reader()
    rows = np.array([5, 3, 9, 8, 0, 2])
    used, (found, same), skipped = answer_windows([reader, other], Numbered(10, bad=[9, 0]), rows, batch_size)
    assert used.tolist() == [5, 3, 8, 2] and found.heights["P"].tolist() == used.tolist()
    assert found.samples["P"].tolist() == [0, 1, 3, 5]  # windows that were spoilt kept their numbers
    assert same.samples["P"].tolist() == found.samples["P"].tolist()
    assert skipped == {"spoilt": 2}
    assert sorted(reader.asked)[0][0] == 0 and sum(size for _, size in reader.asked) == len(rows)


def test_nothing_can_be_read():
    with pytest.raises(UserError, match="none of the 3 traces"):
        answer_windows([Reader()], Numbered(3, bad=[0, 1, 2]), np.arange(3))


def test_memory_does_not_grow_with_the_windows():
    """Twenty times as many windows: a few dozen bytes more for each, and no waveform."""

    def peak(count):
        tracemalloc.start()
        reader = Reader()
        reader.alone = True  # how many batches two workers hold at once is chance
        answer_windows([reader], Numbered(count), np.arange(count), batch_size=100)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(300), peak(6000)
    assert many - few < 5700 * 100  # a waveform has 72,000 bytes


def test_a_lone_picker_is_never_asked_twice_at_once(monkeypatch):
    from minieqt.evaluation import answer_windows as windows

    asked = []

    def in_order(work, items, workers):
        asked.append(workers)
        return ((item, work(item)) for item in items)

    monkeypatch.setattr(windows, "kernels_may_meet", lambda: True)
    monkeypatch.setattr(windows.numba, "get_num_threads", lambda: 2)
    monkeypatch.setattr(windows, "in_order", in_order)
    for alone in (False, True):
        picker = Reader()
        picker.alone = alone
        answer_windows([picker], Numbered(3), np.arange(3))
    assert asked == [2, 1]

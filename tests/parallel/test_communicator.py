"""What all communicators share, and the rank that is alone."""

from __future__ import annotations

import numpy as np
from rings import together

from minieqt.parallel.communicator import Solo


def test_solo():
    solo, array = Solo(), np.arange(3.0)
    solo.all_reduce(array)
    solo.broadcast(array)
    solo.barrier()
    np.testing.assert_array_equal(array, [0, 1, 2])
    assert (solo.rank, solo.size, solo.local_size) == (0, 1, 1)
    assert solo.all_gather(4, 5).tolist() == [[4, 5]]
    assert solo.broadcast_text("ö") == "ö"


def test_all_gather():
    for table in together(3, lambda rank: rank.all_gather(rank.rank, 10.5)):
        assert table.tolist() == [[0, 10.5], [1, 10.5], [2, 10.5]]


def test_a_text_from_any_rank():
    for text in ("", "grün", "x" * 3_000_000):
        said = together(3, lambda rank, text=text: rank.broadcast_text(text if rank.rank == 1 else "not me", root=1))
        assert said == [text] * 3


def test_a_report_goes_to_stderr(capfd):
    Solo().report("program: what is wrong")
    assert capfd.readouterr().err == "program: what is wrong\n"

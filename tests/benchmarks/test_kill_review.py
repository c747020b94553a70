"""A few of the kills that the benchmark makes twenty of."""

from __future__ import annotations

import kill_review
import numpy as np


def test_a_killed_page_has_lost_no_correction_that_it_called_saved(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIEQT_KERNELS", "off")
    monkeypatch.setattr(kill_review, "LONGEST", 3.0)
    assert kill_review.kill_pages(kill_review.make_out(tmp_path), 2, np.random.default_rng(3)) == 0
    assert " 0 corrections in all" not in capsys.readouterr().out

"""What lies before P becomes noise windows: of nothing after it, and of nothing that was filled up."""

from __future__ import annotations

import numpy as np

from recipes.quiet import LEAST, MARGIN, back_and_forth, first_recorded, quiet_windows


def test_back_and_forth_goes_on_without_a_step(rng):
    x = rng.standard_normal((3, 700)).astype(np.float32)
    y = back_and_forth(x)
    assert y.shape == (3, 6000)
    np.testing.assert_array_equal(y[:, :700], x)
    np.testing.assert_array_equal(y[:, 700:1400], x[:, ::-1])
    np.testing.assert_array_equal(y[:, 1400:2100], x)
    assert abs(np.diff(y)).max() == abs(np.diff(x)).max()


def test_a_window_that_was_filled_up_begins_where_something_changes(rng):
    x = rng.standard_normal((3, 100))
    x[:, :20] = 7.0
    x[1, :60] = 7.0
    assert first_recorded(x) == 19  # the step into the record is no constant any more
    assert first_recorded(np.full((3, 100), 7.0)) == 100


def test_windows_are_of_what_precedes_p(dataset):
    table = dataset.table
    rows = np.flatnonzero(table.earthquake)
    found = {row["trace_name"]: x for row, x in quiet_windows(dataset, rows)}
    late = [row for row in rows.tolist() if table.p_sample[row] - MARGIN - first_recorded(dataset.read(row)) >= LEAST]
    assert 0 < len(found) == len(late) < len(rows)
    for row in late:
        x, length = found[f"{table.name[row]}_before_P"], int(table.p_sample[row]) - MARGIN
        start = first_recorded(dataset.read(row))
        assert x.shape == (3, 6000)
        np.testing.assert_array_equal(x[:, : length - start], dataset.read(row)[:, start:length])
        assert set(x[2].tolist()) == set(dataset.read(row)[2, start:length].tolist())

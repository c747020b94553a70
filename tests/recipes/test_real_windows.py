"""The real windows of the recipe: who is trained on them, who tested, and that no earthquake is on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.data.split import PARTS
from minieqt.data.stead_writer import write_windows
from minieqt.errors import UserError
from recipes.real_windows import SETS, earthquake_of, find_sets, gather, regions_of, rows_of


@pytest.fixture
def folder(dataset, tmp_path):
    """Two sets of real names: earthquakes and noise, and noise alone."""
    rows = np.arange(len(dataset))
    noise = ~dataset.table.earthquake
    for name, part in (("ncedc", rows[~noise | (rows % 2 == 0)]), ("noise_misc", rows[noise & (rows % 2 == 1)])):
        write_windows(tmp_path / f"{name}.hdf5", tmp_path / f"{name}.csv", rows_of(dataset, part))
    return tmp_path


def lists(out):
    return {part: (out / f"{part}.txt").read_text().split() for part in PARTS}


def test_windows_are_dealt_out_and_stay_what_they_are(folder, dataset, tmp_path):
    sets = find_sets(folder)
    assert [real.name for real in sets] == ["ncedc", "noise_misc"]
    counts = gather(folder, sets, tmp_path / "out")
    names = lists(tmp_path / "out")
    assert sorted(name for part in names.values() for name in part) == sorted(dataset.table.name.tolist())
    assert {part: sum(found.values()) for part, found in counts.items()} == {p: len(n) for p, n in names.items()}
    with open_dataset(tmp_path / "out" / "windows.hdf5") as gathered:
        place = {name: row for row, name in enumerate(gathered.table.name.tolist())}
        for row, name in enumerate(dataset.table.name.tolist()):
            np.testing.assert_array_equal(gathered.read(place[name]), dataset.read(row))
            for column in ("p_sample", "s_sample", "coda_end"):
                before, after = getattr(dataset.table, column)[row], getattr(gathered.table, column)[place[name]]
                np.testing.assert_array_equal(after, before)
    with open_dataset(tmp_path / "out" / "noise.hdf5") as noise:
        assert not noise.table.earthquake.any() and set(noise.table.name.tolist()) <= set(names["training"])


def test_a_region_left_out_is_the_test(folder, dataset, tmp_path):
    gather(folder, find_sets(folder), tmp_path / "out", without=["Oklahoma"])
    with open_dataset(folder / "noise_misc.hdf5") as away:
        assert sorted(lists(tmp_path / "out")["test"]) == sorted(away.table.name.tolist())


def test_a_set_of_several_regions_knows_them_by_network():
    stations = ["NC.A", "CI.B", "NZ.C", "OK.D"]
    regions = regions_of(SETS, ["ncedc", "ncedc", "noise_misc", "noise_misc"], stations)
    assert regions == ["northern California", "southern California", "New Zealand", "Oklahoma"]


def test_one_earthquake_under_two_names_is_one(dataset):
    table = dataset.table
    quakes = np.flatnonzero(table.earthquake)[:3]
    start = table.start_time.copy()
    start[quakes] = np.array(["2020-01-01T00:00:00", "2020-01-01T00:01:30", "2020-01-01T01:00:00"], "datetime64[us]")
    together = earthquake_of(replace(table, start_time=start))
    assert together[quakes[0]] == together[quakes[1]] != together[quakes[2]]
    noise = np.flatnonzero(~table.earthquake)
    assert together[noise].tolist() == [f"noise of {station}" for station in table.station[noise].tolist()]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="none of the real sets"):
        find_sets(tmp_path)

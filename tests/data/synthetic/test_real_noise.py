"""Real noise as a background: its level and colour stay, its minutes do not."""

from __future__ import annotations

import shutil
from collections import Counter

import h5py
import numpy as np
import pytest
from scipy.fft import irfft

from minieqt.data.synthetic import noise_windows, real_noise, write_stead
from minieqt.data.synthetic.background import white_spectrum
from minieqt.data.synthetic.real_noise import make_noise, read_noise
from minieqt.data.synthetic.station import PADDED
from minieqt.errors import UserError

FAST = np.fft.rfftfreq(6000, 0.01) > 1


def level(x):
    """Deviation above 1 Hz, all components."""
    return np.sqrt(2 * np.square(np.abs(np.fft.rfft(x)[..., FAST])).sum(axis=-1).mean()) / 6000


@pytest.fixture
def minutes(rng):
    """Twelve of them, of one colour in very different units."""
    white = rng.standard_normal((12, 3, 6001))
    return ((white[..., 1:] + 0.9 * white[..., :-1]) * 10.0 ** np.arange(-6, 6)[:, None, None]).astype(np.float32)


def test_level_and_colour(minutes, rng):
    real = make_noise(minutes, Counter())
    moved = np.stack([real.minute(rng) for _ in range(50)])
    made = np.stack([irfft(real.shape(rng) * white_spectrum(rng, 3), PADDED)[:, :6000] for _ in range(50)])
    for x in (moved, made):
        assert level(x) == pytest.approx(1, rel=0.1)
        centred = x - x.mean(axis=-1, keepdims=True)
        one = (centred[..., 1:] * centred[..., :-1]).mean() / np.square(centred).mean()
        assert one == pytest.approx(0.9 / 1.81, abs=0.05)
    assert moved.dtype == np.float32


def test_a_minute_moved_has_no_seam(rng):
    """A sine whose ends do not meet: where it is joined it does not jump."""
    x = np.sin(np.arange(6000) * 0.0503 + rng.uniform(0, 6, (20, 3, 1))).astype(np.float32)
    real = make_noise(x, Counter())
    steps = [np.abs(np.diff(real.minute(rng), axis=1)).max() for _ in range(60)]
    assert max(steps) < 5 * np.median(steps)


def test_the_same_seed_gives_the_same(minutes):
    real = make_noise(minutes, Counter())
    one, same = ([x for _, x in noise_windows(1, range(8), real)] for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, [x for _, x in noise_windows(1, range(8))])


def test_noise_of_a_data_set(synthetic_files, tmp_path):
    real = read_noise((synthetic_files[0],))
    assert len(real.minutes) + real.left_out.total() == 12 and len(real.minutes) > 6
    write_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", 10, seed=1, noise=[synthetic_files[0]])
    write_stead(tmp_path / "b.hdf5", tmp_path / "b.csv", 10, seed=1, noise=[synthetic_files[0]], processes=2)
    assert (tmp_path / "a.hdf5").read_bytes() == (tmp_path / "b.hdf5").read_bytes()


def test_no_more_than_so_many_minutes_are_held(synthetic_files, monkeypatch):
    monkeypatch.setattr(real_noise, "MOST", 5)
    real = read_noise.__wrapped__((synthetic_files[0],))
    assert len(real.minutes) <= 4 and real.left_out["more than 5 are not needed"] == 8  # every third of twelve


def test_a_minute_that_cannot_be_read_is_left_out(dataset, synthetic_files, tmp_path):
    for file in synthetic_files:
        shutil.copy(file, tmp_path / f"spoilt{file.suffix}")
    name = dataset.table.name[np.flatnonzero(~dataset.table.earthquake)[0]]
    with h5py.File(tmp_path / "spoilt.hdf5", "a") as file:
        file[f"data/{name}"][7, 1] = np.nan
    before, real = read_noise((synthetic_files[0],)), read_noise((tmp_path / "spoilt.hdf5",))
    assert real.left_out["NaN or infinity"] == 1
    assert len(real.minutes) + real.left_out.total() == len(before.minutes) + before.left_out.total()


def test_a_file_without_noise(tmp_path):
    write_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", 3, seed=1, noise_fraction=0)
    with pytest.raises(UserError, match=r"a\.hdf5: no noise windows to use, there are none"):
        write_stead(tmp_path / "b.hdf5", tmp_path / "b.csv", 3, seed=1, noise=[tmp_path / "a.hdf5"])
    assert len(list(tmp_path.iterdir())) == 2

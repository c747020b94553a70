"""A network as a picker: the figures of an independent run on real windows, Monte-Carlo dropout, wrong weights."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.errors import UserError
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.answers import answer
from minieqt.evaluation.metrics import Evaluation
from minieqt.evaluation.network_picker import NetworkPicker
from minieqt.model import EQTransformer

THRESHOLDS = {"detection": 0.3, "P": 0.1, "S": 0.1}


@pytest.mark.parametrize(
    ("name", "windows", "earthquakes", "p", "s"), [("ncedc", 170, 126, 112, 110), ("stead50", 50, 50, 49, 50)]
)
def test_what_an_independent_run_finds(shared, released, name, windows, earthquakes, p, s):
    dataset = open_dataset(shared / "data" / f"{name}.hdf5", shared / "data" / f"{name}.csv")
    picker = NetworkPicker(released, THRESHOLDS)
    rows, (found,), skipped = answer_windows([picker], dataset, np.arange(len(dataset)), 32)
    table = dataset.table.take(rows)
    evaluation = Evaluation()
    evaluation.add(found, table.earthquake, table.p_sample, table.s_sample)
    report = evaluation.report()
    assert (report["windows"], report["earthquakes"], sum(skipped.values())) == (windows, earthquakes, 0)
    assert report["P"]["within_0.5_s"]["true_positive"] == p
    assert report["S"]["within_0.5_s"]["true_positive"] == s


def test_other_windows_than_60_s():
    with pytest.raises(UserError, match="windows of 256 samples"):
        NetworkPicker(EQTransformer(lstm_blocks=1, length=256), THRESHOLDS)


class Jumping(EQTransformer):
    """In the place of a network: each sample of dropout sees P 2 samples later and at another height."""

    def __init__(self):
        super().__init__(lstm_blocks=1)

    def forward(self, x):
        step, t = self.randomness.step, np.arange(6000)
        bump = np.exp(-((t - 1000 - 2 * step) ** 2) / 5000)
        p = np.broadcast_to((0.5 + 0.1 * step) * bump, (len(x), 6000))
        return np.full((len(x), 6000), 0.2 * step), p, np.zeros((len(x), 6000))


def test_spreads_by_hand():
    network = NetworkPicker(Jumping(), THRESHOLDS, samples=3)
    found = network(np.random.default_rng(0).standard_normal((2, 3, 6000)).astype(np.float32), 0)
    assert found.heights["detection"] == pytest.approx([0.4] * 2)
    assert found.spreads["detection"] == pytest.approx([np.std([0.2, 0.4, 0.6])] * 2)
    assert found.spreads["P time"] == pytest.approx([np.std([0.02, 0.04, 0.06])] * 2)
    assert found.spreads["P"] == pytest.approx([np.std([0.6, 0.7, 0.8])] * 2, abs=2e-3)
    assert np.isnan(found.spreads["S time"]).all()  # never picked
    assert found.samples["P"].tolist() == [1004] * 2


def test_monte_carlo_dropout(rng):
    model = EQTransformer(lstm_blocks=1, seed=1)
    x = rng.standard_normal((4, 3, 6000)).astype(np.float32)
    some = {name: NetworkPicker(model, THRESHOLDS, samples=2, seed=seed) for name, seed in (("a", 0), ("b", 1))}
    whole, again, other = some["a"](x, 0), some["a"](x, 0), some["b"](x, 0)
    assert np.array_equal(whole.heights["P"], again.heights["P"])
    assert not np.array_equal(whole.heights["P"], other.heights["P"])
    assert (whole.spreads["P"] > 0).all()
    part = some["a"](x[2:], 2)  # masks belong to windows, not to batches
    np.testing.assert_allclose(part.heights["P"], whole.heights["P"][2:], rtol=1e-4)
    plain = NetworkPicker(model, THRESHOLDS)(x, 0)
    assert not plain.spreads and model.randomness.step == 0
    from minieqt.data.normalise import normalise

    assert np.array_equal(plain.heights["S"], answer(model.forward(normalise(x))).heights["S"])

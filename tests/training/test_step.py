"""One step by hand, one by `Step`: the same parameters to the bit; what is not finite takes none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from minieqt import EQTransformer
from minieqt.adam import Adam
from minieqt.training.data_parallel import DataParallel
from minieqt.training.step import NotFinite, Step, check_finite


def batch(number, seed, windows=2):
    x = np.random.default_rng(seed).standard_normal((windows, 3, 128)).astype(np.float32)
    return SimpleNamespace(x=x, labels=np.abs(x) % 1, number=number)


def test_a_step_of_two_batches():
    by_hand, model = (EQTransformer(length=128, seed=0) for _ in range(2))
    of_step = [batch(3, 1), batch(4, 2, windows=1)]

    adam, total = Adam(by_hand), 0.0
    by_hand.zero_gradients()
    for one in of_step:
        total += by_hand.loss(one.x, one.labels) * len(one.x)
        by_hand.backward(len(one.x))
    by_hand.gradient /= np.float32(3)
    adam.step()

    step = Step(model, Adam(model), DataParallel(model))
    taken = step.take(iter(of_step), signal=2, due=True)
    assert taken == (4, 3, 2, True)
    assert (model.vector == by_hand.vector).all()
    assert step.read_loss(now=False) == (pytest.approx(total / 3, rel=1e-6), 3)
    assert step.read_loss() == (0.0, 0)


def test_batches_of_bad_traces_take_no_step():
    model = EQTransformer(length=128, seed=0)
    before, adam = model.vector.copy(), Adam(model)
    taken = Step(model, adam, DataParallel(model)).take([batch(0, 1, windows=0)])
    assert taken.windows == 0 and adam.t == 0 and (model.vector == before).all()


def test_what_is_not_finite_takes_no_step():
    model = EQTransformer(length=128, seed=0)
    before, adam = model.vector.copy(), Adam(model)
    spoilt = batch(0, 1)
    spoilt.x = spoilt.x * np.nan
    with pytest.raises(NotFinite, match="loss became nan"):
        Step(model, adam, DataParallel(model)).take([spoilt])
    assert adam.t == 0 and (model.vector == before).all()
    with pytest.raises(NotFinite, match="a parameter is not finite"):
        check_finite(1.0, np.array([1.0, np.inf]), "a parameter")

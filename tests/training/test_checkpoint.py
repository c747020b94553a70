"""last.h5: all of the run comes back, and what is not ours is refused in words."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from small_run import LENGTH, run_small

from minieqt.adam import Adam
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.training import checkpoint
from minieqt.training.checkpoint import Position
from minieqt.weights import native


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    return run_small(folder, epochs=1), folder / "last.h5"


def fresh(lstm_blocks=1):
    model = EQTransformer(lstm_blocks, seed=3, length=LENGTH)
    return model, Adam(model)


def test_everything_comes_back(trained):
    before, path = trained
    model, optimiser = fresh()
    position = checkpoint.load(path, model, optimiser)
    assert model.vector.tobytes() == before.model.vector.tobytes()
    assert optimiser.m.tobytes() == before.optimiser.m.tobytes() and optimiser.m.any()
    assert optimiser.v.tobytes() == before.optimiser.v.tobytes() and optimiser.v.any()
    assert optimiser.t == before.optimiser.t == 3
    assert model.randomness.step == before.model.randomness.step == 3
    for name, array in before.model.state().items():
        assert model.state()[name].tobytes() == array.tobytes()
    assert vars(position) | {"history": None} == vars(before.position) | {"history": None}
    np.testing.assert_array_equal(position.history.array(), before.position.history.array())  # NaN is NaN here


def test_the_place_within_an_epoch_comes_back(tmp_path):
    model, optimiser = fresh()
    position = Position(epoch=4)
    position.add_batch(6, loss=0.1, windows=3)
    position.add_batch(8, loss=0.2, windows=2)
    checkpoint.save(tmp_path / "last.h5", model, optimiser, position)
    again = checkpoint.load(tmp_path / "last.h5", *fresh())
    assert (again.epoch, again.batch, again.windows) == (4, 9, 5)
    assert again.loss == position.loss == (0.1 * 3 + 0.2 * 2) / 5
    assert len(again.history) == 0


def test_another_architecture(trained):
    with pytest.raises(UserError, match="another architecture: lstm_blocks is 1 there and 2 here"):
        checkpoint.load(trained[1], *fresh(2))


def test_weights_alone(tmp_path):
    model, optimiser = fresh()
    native.save(tmp_path / "best.h5", model)
    with pytest.raises(UserError, match=r"resume from last\.h5"):
        checkpoint.load(tmp_path / "best.h5", model, optimiser)


def test_arrays_that_do_not_fit(trained, tmp_path):
    path = tmp_path / "last.h5"
    path.write_bytes(trained[1].read_bytes())
    with h5py.File(path, "a") as file:
        del file["training/adam/m"]
        file["training/adam/m"] = np.zeros(3, np.float32)
    with pytest.raises(UserError, match="does not fit"):
        checkpoint.load(path, *fresh())

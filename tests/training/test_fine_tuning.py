"""What a run takes over from the weights it begins with."""

from __future__ import annotations

import hashlib

import pytest

from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.training.config import Config
from minieqt.training.fine_tuning import DEFAULTS, network, origin, settings
from minieqt.weights import native

OTHER = {"gate": "hard_sigmoid", "crop": "seisbench", "attention_eps": 1e-5, "normalisation": "peak"}


@pytest.fixture
def weights(tmp_path):
    model = EQTransformer(3, drop_rate=0.2, seed=4, **OTHER)
    native.save(tmp_path / "weights.h5", model)
    return model, str(tmp_path / "weights.h5")


def test_the_network_is_that_of_the_weights(weights):
    model, path = weights
    config = Config(**settings({"weights": path, "seed": 9}))
    assert (config.lstm_blocks, config.drop_rate, config.seed) == (3, 0.2, 9)
    assert {name: getattr(config, name) for name in DEFAULTS} == DEFAULTS
    found = network(config)
    assert found.config == model.config | {"seed": 9}
    assert (found.vector == model.vector).all() and found.randomness.seed == 9


def test_options_of_the_user_come_first(weights):
    config = Config(**settings({"weights": weights[1], "epochs": 3, "drop_rate": 0.4, "schedule": "constant"}))
    assert (config.epochs, config.drop_rate, config.schedule) == (3, 0.4, "constant")
    assert network(config).config["drop_rate"] == 0.4


def test_where_it_began_is_told(weights):
    path = weights[1]
    digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
    told = origin(Config(**settings({"weights": path})))
    assert told == {"fine_tuned_from": path, "fine_tuned_from_sha256": digest}
    assert origin(Config()) == {}


def test_a_resumed_run_needs_its_checkpoint_only(weights, tmp_path):
    config = Config(**settings({"weights": weights[1]}))
    native.save(tmp_path / "last.h5", network(config))
    (tmp_path / "weights.h5").unlink()
    assert network(config, tmp_path / "last.h5").config == weights[0].config | {"seed": 0}


def test_weights_that_have_changed(weights):
    model, path = weights
    config = Config(**settings({"weights": path}))
    model.vector[0] += 1
    native.save(path, model)
    with pytest.raises(UserError, match="has changed since this run was set up"):
        network(config)


def test_another_number_of_blocks(weights):
    with pytest.raises(UserError, match=r"--lstm-blocks 2 contradicts .*weights\.h5, which has 3"):
        settings({"weights": weights[1], "lstm_blocks": 2})


def test_windows_of_another_length(tmp_path):
    native.save(tmp_path / "short.h5", EQTransformer(1, length=256))
    with pytest.raises(UserError, match=r"short\.h5 is for windows of 256 samples, and a data set's have 6000"):
        settings({"weights": str(tmp_path / "short.h5")})

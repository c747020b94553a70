"""Which weights are meant, and the package's own: by default wherever a network is needed."""

from __future__ import annotations

import numpy as np
import obspy
import pytest

import minieqt
from minieqt.data import open_dataset
from minieqt.data.normalise import normalise
from minieqt.errors import UserError
from minieqt.inference.peaks import highest_peaks
from minieqt.model import EQTransformer
from minieqt.picking import pick as picking
from minieqt.weights import load_weights, locate, open_weights, save_weights
from minieqt.weights.published import PUBLISHED

OWN = locate.OWN


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A file in the place of the package's own."""
    monkeypatch.setattr(locate, "OWN", tmp_path / "own.h5")
    picking.own_model.cache_clear()
    yield tmp_path / "own.h5"
    picking.own_model.cache_clear()


def test_own_by_default(own):
    save_weights(own, EQTransformer(lstm_blocks=1, seed=3), half=True)
    loaded = open_weights()
    assert loaded.path == own and loaded.name == locate.OWN_NAME and loaded.model.config["seed"] == 3
    assert load_weights(gate="hard_sigmoid").config["gate"] == "hard_sigmoid"
    stream = obspy.read()
    for one, other in zip(minieqt.annotate(stream), minieqt.annotate(stream, load_weights()), strict=True):
        assert np.array_equal(one.data, other.data)
    own.unlink()  # read once
    minieqt.pick(stream)


def test_without_own(own):
    for use in (load_weights, lambda: minieqt.pick(obspy.read()), lambda: minieqt.annotate(obspy.read())):
        with pytest.raises(UserError, match=r"minieqt's own weights are not in this copy.*conservative"):
            use()


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("stedd", "not the name of published weights: original, conservative, ethz"),
        ("folder/stead", "^folder/stead: no such file$"),
        ("stead.pt", r"^stead\.pt: no such file$"),
        ("obs", "hydrophone"),
        (".", "no such file"),
    ],
)
def test_refuses_in_words(weights, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        load_weights(weights)


def test_the_registry_is_whole():
    """Every file is pinned by a checksum, or of a version that its .json has to tell; addresses are secure."""
    for name, published in PUBLISHED.items():
        assert published.name == name and published.trained_on and published.licence and published.source
        names = [remote.name for remote in published.files]
        assert len(set(names)) == len(names) and not any("/" in file or file.startswith(".") for file in names)
        for remote in published.files:
            assert all(address.startswith("https://") for address in remote.addresses)
            assert (remote.checksum is None) == (published.version is not None)
            if remote.checksum is not None:
                kind, _, digits = remote.checksum.partition(":")
                assert len(digits) == {"sha256": 64, "git": 40}[kind] and set(digits) <= set("0123456789abcdef")


# -- the file itself, where it is ----------------------------------------------------------------------------------


@pytest.fixture
def shipped():
    if not OWN.is_file():
        pytest.skip("minieqt/weights/own.h5 has not been trained yet")
    return open_weights()


def test_the_shipped_file(shipped):
    assert OWN.stat().st_size < 1e6 and shipped.attributes["description"]
    events, picks = minieqt.pick(obspy.read())  # the earthquake that ObsPy brings along
    found = {pick.phase: str(pick.time)[:21] for pick in picks}
    assert len(events) == 1 and found["P"].startswith("2009-08-24T00:20:07") and found["S"] > found["P"]


def test_the_shipped_file_on_real_windows(shipped, shared):
    """At least nine in ten of STEAD's windows within half a second, P and S."""
    dataset = open_dataset(shared / "data" / "stead50.hdf5", shared / "data" / "stead50.csv")
    windows = np.stack([dataset.read(row) for row in range(len(dataset))])
    _, p, s = shipped.model.forward(normalise(windows, shipped.model.config["normalisation"]))
    for y, t in ((p, dataset.table.p_sample), (s, dataset.table.s_sample)):
        assert (np.abs(highest_peaks(y, 0.1) - t) <= 50).sum() >= 45

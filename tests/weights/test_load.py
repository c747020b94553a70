"""Weights of every layout: recognised, read, equal to what independent runs of them give, written and read again."""

from __future__ import annotations

import io
import json
import shutil
import zipfile

import h5py
import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.data.normalise import normalise
from minieqt.errors import UserError
from minieqt.inference.peaks import highest_peaks
from minieqt.model import EQTransformer
from minieqt.weights import load_weights, open_weights, save_weights
from minieqt.weights.keras import VARIABLES, number, read_h5, to_keras


@pytest.fixture(scope="module")
def small():
    """A network with random weights everywhere, biases and statistics too."""
    model = EQTransformer(lstm_blocks=2, seed=5, length=256)
    rng = np.random.default_rng(5)
    for array in (model.parameters() | model.state()).values():
        array[...] = rng.uniform(0.1, 1, array.shape)
    return model


def same(one, other):
    mine, theirs = (model.parameters() | model.state() for model in (one, other))
    return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)


@pytest.fixture(scope="module")
def stead(shared):
    """All 50 windows, raw, and their table."""
    dataset = open_dataset(shared / "data" / "stead50.hdf5", shared / "data" / "stead50.csv")
    return np.stack([dataset.read(row) for row in range(len(dataset))]), dataset.table


def found(model, windows, table, threshold=0.1, within=50):
    """How many P and S lie within half a second of the analyst's."""
    _, p, s = model.forward(normalise(windows, model.config["normalisation"]))
    pairs = ((p, table.p_sample), (s, table.s_sample))
    return tuple(int((np.abs(highest_peaks(y, threshold) - t) <= within).sum()) for y, t in pairs)


@pytest.mark.parametrize("name", ["eqt_conservative.npz", "eqt_conservative.keras"])
def test_published_probabilities(shared, stead, name):
    golden = np.load(shared / "golden" / "stead5_conservative_out.npz")
    windows, table = stead
    rows = [int(np.flatnonzero(table.name == trace)[0]) for trace in golden["names"]]
    loaded = open_weights(shared / "weights" / name)
    assert loaded.model.config["gate"] == "hard_sigmoid" and loaded.model.config["lstm_blocks"] == 3
    probabilities = np.stack(loaded.model.forward(normalise(windows[rows])), axis=1)
    np.testing.assert_allclose(probabilities, golden["o"], rtol=0, atol=1e-4)


def test_keras_layouts_hold_the_same(shared):
    names = ("eqt_conservative.npz", "eqt_conservative.keras")
    assert same(*(load_weights(shared / "weights" / name) for name in names))


@pytest.mark.parametrize(
    ("name", "least_p", "least_s"),
    [("eqt_conservative.npz", 49, 50), ("blocklyeqt_usgs.h5", 45, 45), ("seisbench_pnw.pt", 45, 45)],
)
def test_picks_of_published_weights(shared, stead, name, least_p, least_s):
    p, s = found(load_weights(shared / "weights" / name), *stead)
    assert p >= least_p and s >= least_s


def test_california(shared):
    dataset = open_dataset(shared / "data" / "ncedc.hdf5", shared / "data" / "ncedc.csv")
    rows = np.flatnonzero(dataset.table.earthquake)
    windows = np.stack([dataset.read(row) for row in rows])
    model = load_weights(shared / "weights" / "eqt_conservative.npz")
    p, s = found(model, windows, dataset.table.take(rows))
    assert len(rows) == 126 and p >= 112 and s >= 110


def test_ocean_bottom_noise(shared):
    dataset = open_dataset(shared / "data" / "obs56.hdf5", shared / "data" / "obs56.csv")
    rows = np.flatnonzero(~dataset.table.earthquake)
    windows = np.stack([dataset.read(row) for row in rows])
    detection, _, _ = load_weights(shared / "weights" / "eqt_conservative.npz").forward(normalise(windows))
    assert len(rows) == 19 and detection.max() <= 0.3


def test_what_a_seisbench_file_tells(shared, tmp_path):
    loaded = open_weights(shared / "weights" / "seisbench_pnw.pt")
    config = loaded.model.config
    assert loaded.component_order == "ZNE" and (config["crop"], config["attention_eps"]) == ("seisbench", 1e-5)
    assert config["gate"] == "sigmoid" and loaded.assumed == {"normalisation": "window"}
    shutil.copy(shared / "weights" / "seisbench_pnw.pt", tmp_path / "alone.pt")
    alone = open_weights(tmp_path / "alone.pt")
    assert alone.assumed == {"normalisation": "window", "component_order": "ZNE"} and same(alone.model, loaded.model)
    (tmp_path / "alone.json").write_text(json.dumps({"model_args": {"component_order": "ENZ", "norm": "peak"}}))
    told = open_weights(tmp_path / "alone.pt")
    assert told.component_order == "ENZ" and told.model.config["normalisation"] == "peak" and told.assumed == {}
    first = "encoder.stages.0.conv.W"
    assert np.array_equal(loaded.model.parameters()[first], told.model.parameters()[first][:, [2, 1, 0]])
    assert "assumed: component_order" in alone.describe() and "assumed" not in told.describe()


def test_against_seisbench(shared, stead):
    """The network alone, on the same normalised windows; SeisBench's file in SeisBench's own code."""
    torch, models = pytest.importorskip("torch"), pytest.importorskip("seisbench.models")
    peer = models.EQTransformer()
    peer.load_state_dict(torch.load(shared / "weights" / "seisbench_pnw.pt", weights_only=True))
    peer.eval()
    x = normalise(stead[0][:4])
    with torch.no_grad():
        theirs = peer(torch.from_numpy(x[:, ::-1].copy()))  # Z N E
    ours = load_weights(shared / "weights" / "seisbench_pnw.pt").forward(x)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("layout", ["minieqt", "keras", "seisbench"])
def test_there_and_back(small, tmp_path, layout):
    save_weights(tmp_path / "weights", small, layout)
    loaded = open_weights(tmp_path / "weights")
    assert same(loaded.model, small) and loaded.model.config == small.config and loaded.assumed == {}
    assert not loaded.model.training
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_options_win(small, tmp_path):
    save_weights(tmp_path / "w", small, "keras")
    config = load_weights(tmp_path / "w", gate="hard_sigmoid", crop="seisbench", normalisation="peak").config
    assert (config["gate"], config["crop"], config["normalisation"]) == ("hard_sigmoid", "seisbench", "peak")
    turned = load_weights(tmp_path / "w", component_order="ZNE")
    own = small.parameters()["encoder.stages.0.conv.W"]
    assert np.array_equal(turned.parameters()["encoder.stages.0.conv.W"], own[:, [2, 1, 0]])


def renumbered(name, first):
    """A Keras layer's name as another session would have numbered it: conv1d_1 -> conv1d, conv1d_63 …"""
    plain = name.rpartition("_")[0] if number(name) else name
    shifted = number(name) + first - 1
    return plain if shifted == 0 else f"{plain}_{shifted}"


def write_h5(path, arrays, first, full):
    """A Keras 2 file, layers in no particular order."""
    layers = {}
    for name, array in arrays.items():
        layer, _, variable = name.partition("/")
        layers.setdefault(layer, []).append((variable, array))
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if full else file
        names = [renumbered(layer, first) if number(layer) else layer for layer in layers]
        for name, held in zip(names, layers.values(), strict=True):
            at = group.create_group(name)
            at.attrs["weight_names"] = [f"{name}/{variable}:0".encode() for variable, _ in held]
            for variable, array in held:
                at[f"{name}/{variable}:0"] = array
        group.attrs["layer_names"] = [name.encode() for name in sorted(names)]
        if full:
            layer = {"class_name": "LSTM", "config": {"recurrent_activation": "hard_sigmoid"}}
            file.attrs["model_config"] = json.dumps({"config": {"layers": [layer]}})


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("first", [0, 1, 62])
def test_any_numbering(small, tmp_path, first, full):
    write_h5(tmp_path / "k.h5", to_keras(small), first, full)
    loaded = open_weights(tmp_path / "k.h5", length=256)
    assert same(loaded.model, small)
    assert loaded.model.config["gate"] == ("hard_sigmoid" if full else "sigmoid")
    assert loaded.assumed == ({} if full else {"gate": "sigmoid"})


def test_every_array_has_a_place(shared):
    """The published file's names are the ones that we write."""
    published = np.load(shared / "weights" / "eqt_conservative.npz")
    ours = to_keras(load_weights(shared / "weights" / "eqt_conservative.npz"))
    assert set(ours) == set(published.files)
    assert all(np.array_equal(ours[name], published[name]) for name in ours)
    kinds = {len(arrays) for arrays in read_h5(shared / "weights" / "blocklyeqt_usgs.h5").arrays.values()}
    assert kinds == {len(names) for names in VARIABLES.values()}


def without(arrays, name):
    return {key: array for key, array in arrays.items() if not key.startswith(name)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: without(arrays, "conv1d_7/"), "layers of the kind 'conv'"),
        (lambda arrays: without(arrays, "bidirectional"), "no EQTransformer"),
        (lambda arrays: arrays | {"conv1d_3/kernel": np.zeros((7, 16, 17))}, "has shape"),
        (lambda arrays: arrays | {"dense/kernel": np.zeros((2, 2, 2, 2))}, "of no kind"),
        (lambda arrays: {"x": np.zeros(3)}, "of no kind"),
        (lambda arrays: without(arrays, ""), "no EQTransformer"),
    ],
)
def test_arrays_that_do_not_fit(small, tmp_path, change, words):
    with (tmp_path / "w.npz").open("wb") as file:
        np.savez(file, **change(to_keras(small)))
    with pytest.raises(UserError, match=words):
        load_weights(tmp_path / "w.npz", length=256)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("layout", ["minieqt", "keras"])
def test_cut_short(small, tmp_path, layout, share):
    save_weights(tmp_path / "w", small, layout)
    whole = (tmp_path / "w").read_bytes()
    (tmp_path / "w").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match="w"):
        load_weights(tmp_path / "w")


def test_refuses_in_words(tmp_path, small):
    with pytest.raises(UserError, match="no such file"):
        load_weights(tmp_path / "nothing.h5")
    (tmp_path / "text.pt").write_text("weights?")
    with pytest.raises(UserError, match="no weight file"):
        load_weights(tmp_path / "text.pt")
    save_weights(tmp_path / "w", small)
    with pytest.raises(UserError, match="component order"):
        load_weights(tmp_path / "w", component_order="ZZZ")
    with pytest.raises(UserError, match="gate"):
        load_weights(tmp_path / "w", gate="softmax")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive, io.BytesIO() as raw:
        np.save(raw, np.array([{"an": "object"}], object), allow_pickle=True)
        archive.writestr("conv1d_1/kernel.npy", raw.getvalue())
    with pytest.raises(UserError, match="allow_pickle"):
        load_weights(tmp_path / "x.npz")

"""minieqt's weight file: there and back, and damaged or foreign files refused in words."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.weights import native


@pytest.fixture(scope="module")
def model():
    model = EQTransformer(lstm_blocks=3, gate="hard_sigmoid", seed=5, length=256)
    model.state()["rescnn.blocks.0.halves.0.norm.mean"][...] = 3
    return model


@pytest.fixture
def path(model, tmp_path):
    native.save(tmp_path / "weights.h5", model)
    return tmp_path / "weights.h5"


def test_there_and_back(model, path, rng):
    again = native.load(path)
    assert again.config == model.config
    assert again.vector.tobytes() == model.vector.tobytes()
    for name, array in model.state().items():
        assert again.state()[name].tobytes() == array.tobytes()
    x = rng.standard_normal((1, 3, 256)).astype(np.float32)
    assert [a.tobytes() for a in again.eval().forward(x)] == [a.tobytes() for a in model.eval().forward(x)]


def test_no_other_file_stays(path):
    assert [p.name for p in path.parent.iterdir()] == ["weights.h5"]


def test_extra(model, path):
    native.save(path, model, {"training/adam/m": np.arange(3.0), "training/epoch": 4})
    extra = native.read(path).extra
    assert extra.keys() == {"training/adam/m", "training/epoch"}
    assert extra["training/epoch"] == 4 and extra["training/adam/m"].tolist() == [0, 1, 2]
    native.load(path)


def test_an_attribute_that_quotes_a_name_that_is_not_utf_8(model, path):
    native.save(path, model, attributes={"fine_tuned_from": "w\udcff.h5"})
    assert native.read(path).attributes == {"fine_tuned_from": r"w\udcff.h5"}


def test_half_precision(model, tmp_path):
    """Parameters rounded to half precision, statistics untouched, however small; read as float32 again."""
    model.state()["rescnn.blocks.1.halves.0.norm.variance"][...] = 1e-36
    native.save(tmp_path / "half.h5", model, half=True)
    contents = native.read(tmp_path / "half.h5")
    for name, array in model.parameters().items():
        assert contents.arrays[name].dtype == np.float32
        assert np.array_equal(contents.arrays[name], array.astype(np.float16).astype(np.float32)), name
    for name, array in model.state().items():
        assert np.array_equal(contents.arrays[name], array), name
    native.save(tmp_path / "full.h5", model)
    sizes = [(tmp_path / f"{which}.h5").stat().st_size for which in ("half", "full")]
    assert sizes[0] < 1e6 and sizes[0] < 0.55 * sizes[1]


@pytest.mark.parametrize("value", [7e4, np.inf, np.nan])
def test_too_large_for_half_precision(tmp_path, value):
    model = EQTransformer(lstm_blocks=1, length=256)
    model.parameters()["encoder.stages.0.conv.b"][3] = value
    with pytest.raises(ValueError, match=r"encoder\.stages\.0\.conv\.b holds numbers"):
        native.save(tmp_path / "half.h5", model, half=True)
    assert list(tmp_path.iterdir()) == []


def test_attributes(model, tmp_path):
    texts = {"description": "für Erdbeben", "origin": "conservative", "format": "nothing"}
    native.save(tmp_path / "w.h5", model, attributes=texts)
    assert native.read(tmp_path / "w.h5").attributes == {name: texts[name] for name in ("description", "origin")}


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.9999])
def test_truncated(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r"weights\.h5 is damaged, cut short or not an HDF5 file"):
        native.load(path)


def test_missing(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        native.load(tmp_path / "weights.h5")


def test_not_hdf5(tmp_path):
    (tmp_path / "text.h5").write_text("weights?" * 1000)
    with pytest.raises(UserError, match="not an HDF5 file"):
        native.load(tmp_path / "text.h5")


def test_keras_file(shared):
    with pytest.raises(UserError, match="not one of minieqt's weight files"):
        native.load(shared / "weights" / "blocklyeqt_usgs.h5")


def test_newer_version(path):
    with h5py.File(path, "a") as file:
        file.attrs["version"] = native.VERSION + 1
    with pytest.raises(UserError, match="newer minieqt"):
        native.load(path)


def test_a_missing_array(path):
    with h5py.File(path, "a") as file:
        del file["parameters/encoder.stages.0.conv.W"]
    with pytest.raises(UserError, match=r"encoder\.stages\.0\.conv\.W"):
        native.load(path)


def test_damaged_anywhere(path):
    """A byte wrong in HDF5's own structure: a network, or a UserError, and nothing else."""
    whole = path.read_bytes()
    refused = 0
    for at in range(0, 4000, 9):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            native.load(path)
        except UserError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("config", ['{"lstm_blocks": 2, "gate": "sigmoid", "length": 256}', '{"layers": 4}', "{"])
def test_a_description_that_does_not_fit(path, config):
    with h5py.File(path, "a") as file:
        file.attrs["config"] = config
    with pytest.raises(UserError):
        native.load(path)


def test_a_failed_write_leaves_the_old_file(model, path):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        native.save(path, model, {"training/epoch": object()})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["weights.h5"]

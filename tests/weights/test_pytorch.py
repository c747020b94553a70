"""Reading .pt files without PyTorch: arrays come out, and a pickle that wants anything else is refused."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from minieqt.errors import UserError
from minieqt.weights.pytorch import read_state


def write(path, pickled, storages=None, name="net"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/data.pkl", pickled)
        for key, raw in (storages or {}).items():
            archive.writestr(f"{name}/data/{key}", raw)
    return path


class Named:
    """Pickles as a reference to a function of any module; called with `arguments` if there are any."""

    def __init__(self, module, name, arguments=None):
        self.module, self.name, self.arguments = module, name, arguments

    def pickled(self, end=b"."):
        """As a program for the unpickler: protocol 0 opcodes."""
        body = b"c" + f"{self.module}\n{self.name}\n".encode()
        if self.arguments is not None:
            body += b"(" + b"".join(pickle.dumps(a, 0)[:-1] for a in self.arguments) + b"tR"
        return body + end


@pytest.mark.parametrize(
    "call",
    [
        Named("os", "system", ["touch {marker}"]),
        Named("posix", "system", ["touch {marker}"]),
        Named("builtins", "eval", ["open('{marker}', 'w')"]),
        Named("builtins", "exec", ["open('{marker}', 'w')"]),
        Named("builtins", "getattr", ["", "join"]),
        Named("subprocess", "Popen", [["touch", "{marker}"]]),
        Named("torch", "load", ["{marker}"]),
        Named("torch._utils", "_rebuild_parameter", []),
        Named("torch.serialization", "load", []),
        Named("collections", "OrderedDict.fromkeys", []),
        Named("numpy", "load", ["{marker}"]),
        Named("copyreg", "_reconstructor", []),
        Named("minieqt.weights.pytorch", "read_state", []),
    ],
    ids=lambda call: f"{call.module}.{call.name}",
)
def test_hostile_pickles_are_refused_before_anything_is_called(tmp_path, call):
    marker = tmp_path / "touched"
    call.arguments = [a.format(marker=marker) if isinstance(a, str) else a for a in call.arguments]
    path = write(tmp_path / "hostile.pt", call.pickled())
    with pytest.raises(UserError, match=rf"hostile\.pt .* asks for {call.module}"):
        read_state(path)
    assert not marker.exists()


def test_the_usual_attack(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'touched'}",)

    with pytest.raises(UserError, match="asks for"):
        read_state(write(tmp_path / "a.pt", pickle.dumps({"weight": Attack()})))
    assert not (tmp_path / "touched").exists()


class TensorPickler(pickle.Pickler):
    """Writes what torch.save writes, for arrays given as (storage key, type, size, offset, shape, strides)."""

    def persistent_id(self, thing):
        return thing.pid if isinstance(thing, Storage) else None


class Storage:
    def __init__(self, key="0", kind="FloatStorage", size=6, tag="storage"):
        self.pid = (tag, kind, key, "cpu", size)


def tensor_file(path, storage, offset, shape, strides, raw=None):
    """A state dict of one tensor `w`; the names of functions go in as text and are made global references after."""
    out = io.BytesIO()
    TensorPickler(out, protocol=2).dump((storage, offset, shape, strides, False, OrderedDict()))
    arguments = out.getvalue()[2:-1]  # without the protocol and the stop
    kind = storage.pid[1]
    text = b"X" + len(kind).to_bytes(4, "little") + kind.encode()
    assert text in arguments
    arguments = arguments.replace(text, b"ctorch\n" + kind.encode() + b"\n")
    body = b"}X\x01\x00\x00\x00w" + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."
    return write(path, body, {"0": np.arange(6, dtype="<f4").tobytes() if raw is None else raw})


def test_a_tensor(tmp_path):
    state = read_state(tensor_file(tmp_path / "t.pt", Storage(), 0, (2, 3), (3, 1)))
    assert state["w"].tolist() == [[0, 1, 2], [3, 4, 5]] and state["w"].flags.writeable
    turned = read_state(tensor_file(tmp_path / "t.pt", Storage(), 1, (2, 2), (1, 2)))
    assert turned["w"].tolist() == [[1, 3], [2, 4]]
    whole = read_state(tensor_file(tmp_path / "t.pt", Storage(kind="LongStorage"), 0, (6,), (1,), bytes(48)))
    assert whole["w"].dtype == np.int64


@pytest.mark.parametrize(
    ("storage", "offset", "shape", "strides", "raw"),
    [
        (Storage(), 0, (7,), (1,), None),  # past the end
        (Storage(), 6, (1,), (1,), None),
        (Storage(), -1, (2,), (1,), None),  # before the start
        (Storage(), 0, (2, 3), (-3, 1), None),
        (Storage(), 0, (-1,), (1,), None),
        (Storage(), 0, (10**6, 10**6), (0, 0), None),  # a bomb: one number, a trillion times
        (Storage(), 0, (2,), (1, 1), None),
        (Storage(size=100), 0, (2,), (1,), None),  # a storage of another size than it says
        (Storage(size=2**40), 0, (2,), (1,), None),
        (Storage(tag="module"), 0, (2,), (1,), None),
        (Storage(key="../../etc/passwd"), 0, (2,), (1,), None),
        (Storage(), 0, (2,), (1,), bytes(23)),
        (Storage(), "x", (2,), (1,), None),
    ],
)
def test_tensors_that_lie(tmp_path, storage, offset, shape, strides, raw):
    with pytest.raises(UserError, match="not a file of PyTorch weights"):
        read_state(tensor_file(tmp_path / "t.pt", storage, offset, shape, strides, raw))


@pytest.mark.parametrize("pickled", [pickle.dumps([1, 2]), pickle.dumps({"a": 1}), pickle.dumps({1: 2}), b"", b"junk"])
def test_no_state_dict(tmp_path, pickled):
    with pytest.raises(UserError, match="not a file of PyTorch weights"):
        read_state(write(tmp_path / "t.pt", pickled))


def test_no_archive(tmp_path, shared):
    (tmp_path / "t.pt").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match="no zip archive"):
        read_state(tmp_path / "t.pt")
    whole = (shared / "weights" / "seisbench_pnw.pt").read_bytes()
    (tmp_path / "t.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        read_state(tmp_path / "t.pt")


def test_as_torch_reads_it(shared):
    torch = pytest.importorskip("torch")
    theirs = torch.load(shared / "weights" / "seisbench_pnw.pt", weights_only=True)
    ours = read_state(shared / "weights" / "seisbench_pnw.pt")
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name].numpy()) for name in ours)


def test_what_torch_writes(tmp_path):
    torch = pytest.importorskip("torch")
    base = torch.arange(12.0)
    state = {"view": base.reshape(3, 4).T, "half": base[2:5].half(), "empty": torch.zeros(0, 3)}
    state["number"] = torch.tensor(3)
    torch.save(state, tmp_path / "t.pt")
    ours = read_state(tmp_path / "t.pt")
    assert all(np.array_equal(ours[name], tensor.numpy()) for name, tensor in state.items())
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(UserError, match=r"asks for torch\.nn"):
        read_state(tmp_path / "model.pt")

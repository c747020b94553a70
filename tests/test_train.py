"""python train.py as a user meets it: a whole run, stopped and resumed runs, and every mistake in one line."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import cupy_stand_in
import numpy as np
import pytest
from rings import ring

from minieqt import EQTransformer, backend
from minieqt.arguments import Parser
from minieqt.cli import main, program
from minieqt.commands import train
from minieqt.data import open_dataset
from minieqt.data.synthetic import write_stead
from minieqt.errors import UserError
from minieqt.training import run as run_module
from minieqt.training.checkpoint import Position
from minieqt.training.config import Config
from minieqt.weights import native

ROOT = Path(__file__).resolve().parents[1]

RUN_FILES = {
    "best.h5",
    "config.json",
    "curves.png",
    "history.csv",
    "last.h5",
    "metrics.json",
    "test.txt",
    "training.txt",
    "validation.txt",
}


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Twenty-eight synthetic windows: 24 to train on, three steps of 16 in an epoch."""
    folder = tmp_path_factory.mktemp("data")
    write_stead(folder / "small.hdf5", folder / "small.csv", 28, seed=1)
    return ["--data", str(folder / "small.hdf5"), "--csv", str(folder / "small.csv")]


def start(*arguments, cwd=None):
    """train.py as its own process, with one thread."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *map(str, arguments)],
        cwd=cwd,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process, code=0):
    """Wait; returns what the process printed. Fails if the exit code is another."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, out + err
    return out, err


SMALL = ("--epochs", 2, "--batch-size", 16, "--threads", 1, "--split", "trace", "--save-minutes", 1e-6)


@pytest.fixture(scope="session")
def whole(data, tmp_path_factory):
    """A run that nobody interrupted: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    out, err = finish(start(*data, *SMALL, "--out", folder))
    assert err == ""
    return folder, out


def assert_same_run(a, b):
    for name in ("last.h5", "best.h5"):
        one, other = native.read(a / name), native.read(b / name)
        arrays, others = one.arrays | one.extra, other.arrays | other.extra
        assert arrays.keys() == others.keys()
        for path in arrays:
            assert arrays[path].tobytes() == others[path].tobytes(), (name, path)
    for name in ("history.csv", "metrics.json", "training.txt"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_a_whole_run(whole):
    folder, out = whole
    assert {path.name for path in folder.iterdir()} == RUN_FILES
    names = [(folder / f"{part}.txt").read_text().split() for part in ("training", "validation", "test")]
    assert [len(part) for part in names] == [24, 1, 3] and len(set().union(*names)) == 28
    assert json.loads((folder / "metrics.json").read_text())["windows"] == 3
    assert "epoch 2/2: loss" in out and "P within 0.5 s" in out


def wait_for_checkpoint(process, folder):
    """Until the process has written last.h5."""
    while not (folder / "last.h5").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_stopped_politely(data, whole, tmp_path, by):
    process = start(*data, *SMALL, "--out", tmp_path / "run")
    wait_for_checkpoint(process, tmp_path / "run")
    process.send_signal(by)
    out, _ = finish(process, 128 + by)
    command = re.search(r"python -m minieqt train (.*)", out)[1]
    assert native.read(tmp_path / "run" / "last.h5").extra["training/epoch"] < 2
    finish(start(*command.split()))
    assert_same_run(tmp_path / "run", whole[0])


def test_killed_twice(data, whole, tmp_path, rng):
    resume: tuple[str, ...] = ()
    for _ in range(2):
        process = start(*data, *SMALL, "--out", tmp_path / "run", *resume)
        wait_for_checkpoint(process, tmp_path / "run")
        time.sleep(rng.uniform(0, 0.8))
        process.kill()
        process.communicate()
        resume = ("--resume",)
    finish(start("--out", tmp_path / "run", "--resume"))
    assert_same_run(tmp_path / "run", whole[0])


def test_killed_before_the_first_checkpoint(data, whole, tmp_path):
    (tmp_path / "config.json").write_bytes((whole[0] / "config.json").read_bytes())
    finish(start("--out", tmp_path, "--resume"))
    assert_same_run(tmp_path, whole[0])


@pytest.fixture
def weights(tmp_path):
    """A small network's, whose normalisations are not those of a new one."""
    model = EQTransformer(1, seed=6)
    for name, array in model.state().items():
        array += 0.25 * name.endswith("mean")
    native.save(tmp_path / "weights.h5", model)
    return tmp_path / "weights.h5"


def test_fine_tuning_is_killed_and_resumed(data, weights, tmp_path):
    """To the same bits, with all that a checkpoint must know; what is frozen is what it was at the beginning."""
    options = [*data, *SMALL, "--weights", weights, "--freeze", "encoder", "rescnn", "--average", "0.9"]
    finish(start(*options, "--select", "picks", "--out", tmp_path / "whole"))
    process = start(*options, "--select", "picks", "--out", tmp_path / "run")
    wait_for_checkpoint(process, tmp_path / "run")
    process.kill()
    process.communicate()
    assert native.read(tmp_path / "run" / "last.h5").extra["training/epoch"] < 2
    finish(start("--out", tmp_path / "run", "--resume"))
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["freeze"] == "encoder rescnn"
    before = native.read(weights).arrays
    for file in ("last.h5", "best.h5"):
        after = native.read(tmp_path / "run" / file).arrays
        for name, array in before.items():
            stays = name.startswith(("encoder.", "rescnn."))
            assert (after[name].tobytes() == array.tobytes()) == stays, (file, name)


def test_real_windows_with_p_alone_beside_others(shared, weights, tmp_path):
    """S is scored where an analyst has picked it, P everywhere."""
    files = [shared / "data" / f"{name}.hdf5" for name in ("ponly_guangdong", "stead50")]
    options = ["--share", 1, 1, "--epoch-windows", 8, "--weights", weights, "--epochs", 1, "--split", "trace"]
    out, _ = finish(start("--data", *files, *options, "--threads", 1, "--out", tmp_path / "run"))
    assert re.search(r"4 windows an epoch of \S*ponly_guangdong", out)
    with open_dataset(files) as dataset:
        table = dataset.table
        test = np.isin(table.name, (tmp_path / "run" / "test.txt").read_text().split())
        arrivals = {"P": np.isfinite(table.p_sample[test]).sum(), "S": np.isfinite(table.s_sample[test]).sum()}
    assert 0 < arrivals["S"] < arrivals["P"] == test.sum()
    report = json.loads((tmp_path / "run" / "metrics.json").read_text())
    for phase, count in arrivals.items():
        score = report[phase]["within_0.5_s"]
        assert score["true_positive"] + score["false_negative"] == count
    assert report["S"]["within_0.5_s"]["false_positive"] <= arrivals["S"]


@pytest.mark.parametrize(
    ("frozen", "words"),
    [
        (["encode"], "--freeze encode: no parameter's name begins so; the network's parts are encoder, rescnn"),
        (["encoder", "rescnn", "bilstm", "transformers", "detection", "p", "s"], "nothing is left to train"),
    ],
)
def test_freezing_nothing_or_everything(data, tmp_path, frozen, words):
    with pytest.raises(UserError, match=words):
        main(["train", *data, "--split", "trace", "--freeze", *frozen, "--out", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path):
    _, err = finish(start("--out", tmp_path, "--resume"), code=2)
    assert len(err.splitlines()) == 1 and err.startswith("minieqt: ")
    _, err = finish(start("--batch-size", "many"), code=2)
    assert len(err.splitlines()) == 1 and "--batch-size" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "a.hdf5"], "a.hdf5 does not exist"),
        (["--epochs", "0"], "--epochs: must lie between 1"),
        (["--batch-size", "1"], "--batch-size: must lie between 2"),
        (["--learning-rate", "-1"], "--learning-rate: must be above zero"),
        (["--learning-rate", "nan"], "--learning-rate: must be above zero"),
        (["--drop-rate", "1"], "--drop-rate: must be at least 0 and below 1"),
        (["--seed", "-1"], "--seed: must lie between 0"),
        (["--cache", "disk"], "invalid choice: 'disk'"),
        (["--resume", "--overwrite"], "not allowed with"),
        (["--out", "x", "--epoch", "3"], "unrecognized arguments: --epoch 3"),
    ],
)
def test_options_that_make_no_sense(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", *arguments])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_csv_without_data(data):
    with pytest.raises(UserError, match="--csv is the table that belongs to --data"):
        main(["train", *data[2:]])


def test_an_augmentation_that_is_none():
    for text in ("gaps=1", "gap=much", "gap"):
        with pytest.raises(UserError, match=r"is not NAME=RATE .*names: shift, second_event"):
            main(["train", "--augment", "shift=0.5", text])
    with pytest.raises(UserError, match="gap must lie in 0 to 1"):
        main(["train", "--augment", "gap=2"])


def test_a_set_on_the_gpu_and_a_network_beside_it():
    with pytest.raises(UserError, match="--cache gpu feeds a network on a GPU: add --gpus 1"):
        main(["train", "--cache", "gpu"])


def test_windows_with_data(data):
    with pytest.raises(UserError, match="--windows is the size of the synthetic set"):
        main(["train", *data, "--windows", "100"])


def test_overwrite_without_out():
    with pytest.raises(UserError, match="--overwrite needs --out"):
        main(["train", "--overwrite"])


@pytest.mark.parametrize(
    "gpus, machine, message",
    [
        ("1", None, "--gpus 1: a GPU needs CuPy"),
        ("1", {"devices": 0}, "--gpus 1: .* finds no GPU"),
        ("4", {"devices": 2}, "--gpus 4: 4 GPUs asked for, and this machine has 2"),
        ("1", {"driver": 12020}, "--gpus 1: this CuPy is made for CUDA 13.0, the machine's driver knows 12.2"),
    ],
)
def test_gpus(monkeypatch, gpus, machine, message):
    monkeypatch.setitem(sys.modules, "cupy", None)
    if machine:
        cupy_stand_in.install(monkeypatch, **machine)
    with pytest.raises(UserError, match=message):
        main(["train", "--gpus", gpus])


def test_more_ranks_than_gpus(monkeypatch):
    """As under mpiexec, where nobody has counted the GPUs before."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    parser = Parser("train")
    train.arguments(parser)
    options = parser.parse_args(["--gpus", "2"], Namespace(command="train", arguments=[]))
    for rank in ring(3):
        with pytest.raises(UserError, match="--gpus 2: 3 ranks on a machine, and 2 GPUs for them"):
            train.train(options, rank)


def test_tensor_cores_without_a_gpu():
    with pytest.raises(UserError, match="--tf32 is about a GPU's tensor cores: give --gpus 1 too"):
        main(["train", "--tf32"])


def test_too_little_memory_on_a_gpu(data, tmp_path, monkeypatch, capsys):
    """CuPy's OutOfMemoryError is a MemoryError; it comes from whatever allocates first."""
    cupy_stand_in.install(monkeypatch)

    def full(self, x, labels):
        raise MemoryError("Out of memory allocating 1,024 bytes")

    monkeypatch.setattr(EQTransformer, "loss_on_device", full)
    arguments = [*data, *map(str, SMALL), "--gpus", "1", "--out", str(tmp_path / "run")]
    assert program(["train", *arguments]) == 2
    assert "out of memory (Out of memory allocating 1,024 bytes): try a smaller --batch-size" in capsys.readouterr().err


def test_a_run_on_a_pretended_gpu(data, tmp_path, monkeypatch):
    """The readable code in float32, once with NumPy and once with what stands for CuPy: the same run to the bit."""
    cupy_stand_in.install(monkeypatch)
    with backend.using("readable"):
        for gpus in "01":
            assert main(["train", *data, *map(str, SMALL), "--gpus", gpus, "--out", str(tmp_path / gpus)]) == 0
    assert_same_run(tmp_path / "0", tmp_path / "1")


@pytest.mark.gpu
@pytest.mark.parametrize("more", [(), ("--cache", "gpu"), ("--accumulate", "2"), ("--tf32",)])
def test_a_run_on_a_gpu(gpu, data, tmp_path, more):
    """By a graph; and the same seed twice is the same run."""
    for out in "ab":
        _, err = finish(start(*data, *SMALL, "--gpus", "1", *more, "--out", tmp_path / out))
        assert "without a CUDA graph" not in err, err
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_a_folder_that_holds_a_run(data, whole):
    before = (whole[0] / "last.h5").read_bytes()
    with pytest.raises(UserError, match=r"already holds a run: .*--resume.*--overwrite"):
        main(["train", *data, "--out", str(whole[0])])
    assert (whole[0] / "last.h5").read_bytes() == before


def test_a_contradiction(whole):
    with pytest.raises(UserError, match="--batch-size 32 contradicts the run"):
        main(["train", "--out", str(whole[0]), "--resume", "--batch-size", "32"])


@pytest.fixture
def copy(whole, tmp_path):
    """A copy of the whole run, to spoil."""
    shutil.copytree(whole[0], tmp_path / "copy")
    return tmp_path / "copy"


def test_a_truncated_checkpoint(copy):
    whole = (copy / "last.h5").read_bytes()
    (copy / "last.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"last\.h5 is damaged, cut short"):
        main(["train", "--out", str(copy), "--resume"])
    assert (copy / "config.json").exists()


def test_a_checkpoint_of_another_architecture(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"lstm_blocks": 3}))
    with pytest.raises(UserError, match="another architecture"):
        main(["train", "--out", str(copy), "--resume"])


def test_data_that_have_changed(copy):
    with open(copy / "test.txt", "a") as names:
        names.write("one.more_EV\n")
    with pytest.raises(UserError, match="the data have changed"):
        main(["train", "--out", str(copy), "--resume"])


@pytest.fixture
def few(tmp_path):
    """Three windows: not enough to split."""
    write_stead(tmp_path / "few.hdf5", tmp_path / "few.csv", 3, seed=1)
    return ["--data", str(tmp_path / "few.hdf5"), "--csv", str(tmp_path / "few.csv")]


def test_an_empty_split_leaves_no_run_behind(few, tmp_path):
    for _ in range(2):
        with pytest.raises(UserError, match="split is empty"):
            main(["train", *few, "--out", str(tmp_path / "run")])


def test_overwrite_keeps_the_old_run_if_the_new_one_cannot_start(few, copy):
    with pytest.raises(UserError, match="split is empty"):
        main(["train", *few, "--out", str(copy), "--overwrite"])
    assert {path.name for path in copy.iterdir()} == RUN_FILES


def test_overwrite_does_not_delete_what_the_new_run_begins_with(few, copy):
    with pytest.raises(UserError, match=r"--overwrite would delete .*best\.h5"):
        main(["train", *few, "--weights", str(copy / "best.h5"), "--out", str(copy), "--overwrite"])
    assert {path.name for path in copy.iterdir()} == RUN_FILES


def test_overwrite_starts_afresh(copy, data, monkeypatch):
    seen = {}

    def stop(model, optimiser, training, validation, position, folder, **options):
        seen.update(options, files={path.name for path in folder.iterdir()}, position=position)
        return signal.SIGTERM

    (copy / "notes.txt").write_text("mine")
    monkeypatch.setattr(run_module, "train", stop)
    arguments = [*data, "--split", "trace", "--out", str(copy), "--overwrite", "--epochs", "5"]
    assert main(["train", *arguments]) == 128 + signal.SIGTERM
    assert seen["position"].epoch == 0 and seen["epochs"] == 5
    assert seen["files"] == {"config.json", "training.txt", "validation.txt", "test.txt", "notes.txt"}


def test_more_epochs_are_noted(copy, monkeypatch):
    monkeypatch.setattr(run_module, "train", lambda *_, **options: options["epochs"])
    assert main(["train", "--out", str(copy), "--resume", "--epochs", "7"]) == 128 + 7
    assert json.loads((copy / "config.json").read_text())["epochs"] == 7


def test_a_run_that_is_at_its_end_says_so():
    position = Position(epoch=3)
    for loss in (1.0, 2.0, 3.0):
        position.history.add(validation_loss=loss)
    assert run_module.where(position, Config(epochs=4)) == "resuming in epoch 4 at batch 1"
    assert run_module.where(position, Config(epochs=3)) == "nothing left to train: 3 epochs are done"
    assert "2 epochs have brought nothing better" in run_module.where(position, Config(epochs=4, patience=2))


def test_runs_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="holds no run to resume"):
        train.run_folder(resume=True)
    assert train.run_folder(resume=False) == Path("runs/001")
    for name in ("001", "007", "mine"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.json").write_text("{}")
    assert train.run_folder(resume=False) == Path("runs/008")
    assert train.run_folder(resume=True) == Path("runs/007")
    (tmp_path / "runs" / "008").mkdir()  # of a run that could not start
    assert train.run_folder(resume=False) == Path("runs/009")
    assert train.run_folder(resume=True) == Path("runs/007")

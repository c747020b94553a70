"""The loop: what it leaves behind, and that stopping it anywhere changes nothing."""

from __future__ import annotations

import csv
import os
import signal

import cupy_stand_in
import h5py
import numpy as np
import pytest
from small_run import Batches, run_small

from kernels.cuda import launch, on_host
from minieqt import backend
from minieqt.errors import UserError
from minieqt.schedule import Schedule
from minieqt.training import graph_step, loop
from minieqt.weights import native


def assert_same_run(a, b):
    """Every array of last.h5 and best.h5 and every byte of history.csv are equal."""
    for name in ("last.h5", "best.h5"):
        one, other = (native.read(folder / name) for folder in (a, b))
        assert one.config == other.config and one.arrays.keys() == other.arrays.keys()
        assert one.extra.keys() == other.extra.keys() and bool(one.extra) == (name == "last.h5")
        for path, array in (one.arrays | one.extra).items():
            assert array.tobytes() == (other.arrays | other.extra)[path].tobytes(), (name, path)
    assert (a / "history.csv").read_bytes() == (b / "history.csv").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    run_small(folder)
    return folder


def test_what_a_run_leaves_behind(uninterrupted):
    assert sorted(p.name for p in uninterrupted.iterdir()) == ["best.h5", "curves.png", "history.csv", "last.h5"]
    rows = list(csv.DictReader(open(uninterrupted / "history.csv")))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[0]["learning_rate"]) == 1e-3
    assert float(rows[1]["loss"]) < float(rows[0]["loss"]) < 1
    assert float(rows[0]["penalty"]) > 0


def interrupt_at(epoch, number, by=signal.SIGTERM):
    """Send this process a signal while batch `number` of `epoch` is being prepared."""

    def on_batch(e, n):
        if (e, n) == (epoch, number):
            os.kill(os.getpid(), by)

    return on_batch


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_inside_an_epoch(tmp_path, uninterrupted, number, by, capfd):
    folder = tmp_path / "run"
    stopped = run_small(folder, Batches(on_batch=interrupt_at(1, number, by)))
    assert stopped.signal == by
    assert (stopped.position.epoch, stopped.position.batch) == (1, number + 1)  # the batch was finished
    assert "finishing this batch" in capfd.readouterr().err
    assert run_small(folder, resume=True).signal is None
    assert_same_run(folder, uninterrupted)


def test_interrupted_in_the_first_epoch(tmp_path, uninterrupted):
    run_small(tmp_path / "run", Batches(on_batch=interrupt_at(0, 1)))
    run_small(tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", uninterrupted)


def test_interrupted_in_validation(tmp_path, uninterrupted):
    stopped = run_small(tmp_path / "run", validation=Batches(1, on_batch=interrupt_at(0, 0)))
    assert stopped.signal == signal.SIGTERM and len(stopped.position.history) == 0
    run_small(tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", uninterrupted)


def test_interrupted_again_and_again(tmp_path, uninterrupted):
    def every_batch(epoch, number):
        os.kill(os.getpid(), signal.SIGINT)

    folder, resume = tmp_path / "run", False
    for _ in range(6):
        assert run_small(folder, Batches(on_batch=every_batch), resume=resume).signal == signal.SIGINT
        resume = True
    assert run_small(folder, resume=True).signal is None
    assert_same_run(folder, uninterrupted)


def test_handlers_are_given_back(tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run_small(tmp_path / "run", Batches(1), epochs=1)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize("unfinished", ["best.h5", "last.h5", "history.csv", "curves.png"])
def test_killed_between_two_files(tmp_path, uninterrupted, unfinished, monkeypatch):
    """The process dies just before it renames one of the files of the second epoch."""

    class Killed(BaseException):
        pass

    real, seen = os.replace, []

    def replace(source, target):
        if target.name == unfinished:
            seen.append(target)
            if len(seen) == 2:
                raise Killed
        real(source, target)

    folder = tmp_path / "run"
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(Killed):
        run_small(folder)
    monkeypatch.undo()
    resumed = run_small(folder, resume=True)
    loop.write_history(resumed.position, folder)  # as train.py does at its start
    assert_same_run(folder, uninterrupted)


def test_saving_within_an_epoch_changes_nothing(tmp_path, uninterrupted):
    run_small(tmp_path / "run", save_seconds=0)
    assert_same_run(tmp_path / "run", uninterrupted)


def test_checkpoints_within_an_epoch(tmp_path):
    """With save_seconds = 0 every batch is saved: a failure in the third leaves the second."""

    def fail(epoch, number):
        if number == 2:
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        run_small(tmp_path / "run", Batches(on_batch=fail), save_seconds=0)
    with h5py.File(tmp_path / "run" / "last.h5") as file:
        assert file["training/batch"][()] == 2
        assert file["training/adam/t"][()] == 2


def test_more_epochs_later_are_the_same_run(tmp_path, uninterrupted):
    run_small(tmp_path / "run", epochs=1)
    run_small(tmp_path / "run", epochs=2, resume=True)
    assert_same_run(tmp_path / "run", uninterrupted)


def test_resuming_a_finished_run_does_nothing(tmp_path):
    run_small(tmp_path / "run", epochs=1)
    before = (tmp_path / "run" / "last.h5").read_bytes()
    assert run_small(tmp_path / "run", epochs=1, resume=True).optimiser.t == 3
    assert (tmp_path / "run" / "last.h5").read_bytes() == before


def test_a_batch_that_the_loader_leaves_out(tmp_path):
    """A batch of bad traces never comes: the place in the epoch follows the batches' numbers, not their count."""
    run_small(tmp_path / "whole", Batches(4, missing=(1,)))
    run_small(tmp_path / "run", Batches(4, missing=(1,), on_batch=interrupt_at(1, 2)))
    resumed = run_small(tmp_path / "run", Batches(4, missing=(1,)), resume=True)
    assert resumed.optimiser.t == 6
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize("batch", [0, 2])
def test_nan_stops_before_the_step(tmp_path, batch):
    run_small(tmp_path / "run", epochs=1)
    before = (tmp_path / "run" / "last.h5").read_bytes()
    spoil = Batches(on_batch=lambda e, n: np.nan if n == batch else 1)
    with pytest.raises(UserError, match=rf"epoch 2, batch {batch + 1}: the loss became nan.*--learning-rate"):
        run_small(tmp_path / "run", spoil, resume=True)
    assert (tmp_path / "run" / "last.h5").read_bytes() == before
    assert np.isfinite(run_small(tmp_path / "run", resume=True).model.vector).all()


def test_nan_in_the_first_batch_of_all(tmp_path):
    with pytest.raises(UserError, match=r"epoch 1, batch 1: .* there is no good checkpoint yet"):
        run_small(tmp_path / "run", Batches(on_batch=lambda e, n: np.inf))
    assert not (tmp_path / "run" / "last.h5").exists()


def test_nan_in_the_gradient_alone(tmp_path, monkeypatch):
    from minieqt.model import EQTransformer

    def backward(self, dloss, need_dx):
        self.gradient[7] = np.nan

    monkeypatch.setattr(EQTransformer, "backward", backward)
    with pytest.raises(UserError, match="the gradient is not finite"):
        run_small(tmp_path / "run")


def test_nan_in_validation(tmp_path):
    with pytest.raises(UserError, match="the loss became nan"):
        run_small(tmp_path / "run", validation=Batches(1, on_batch=lambda e, n: np.nan))
    assert not (tmp_path / "run" / "best.h5").exists()


def test_no_validation_window_can_be_used(tmp_path):
    with pytest.raises(UserError, match="no validation window can be used"):
        run_small(tmp_path / "run", validation=Batches(1, missing=(0,)))


def test_early_stopping_and_best(tmp_path, monkeypatch):
    """Validation losses 3 1 2 2 …: best.h5 is the second epoch's, and patience 2 stops after the fourth."""
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0])
    kept = []
    monkeypatch.setattr(loop, "validate", lambda *_: (next(losses), {"P": 0.5, "S": 0.5}, None))
    save = loop.native.save

    def note(path, model, *extra, **texts):
        if path.name == "best.h5":
            kept.append(model.randomness.step)
        save(path, model, *extra, **texts)

    monkeypatch.setattr(loop.native, "save", note)
    result = run_small(tmp_path / "run", Batches(1), epochs=10, patience=2)
    assert result.position.epoch == 4
    assert kept == [1, 2]
    monkeypatch.undo()
    assert run_small(tmp_path / "run", Batches(1), resume=True, epochs=10, patience=2).position.epoch == 4


def test_the_schedule_reaches_the_optimiser(tmp_path, monkeypatch):
    schedule = Schedule(0.004, "cosine", epochs=3)
    result = run_small(tmp_path / "run", Batches(1), epochs=3, schedule=schedule)
    assert result.position.history.column("learning_rate") == pytest.approx([0.004, 0.003, 0.001])
    assert result.optimiser.learning_rate == pytest.approx(0.001)


OPTIONS = {"average": 0.9, "select": "picks", "schedule": Schedule(1e-3, "cosine", epochs=2)}


@pytest.mark.parametrize("interrupted", ["training", "validation"])
def test_an_average_and_a_cosine_are_resumed_to_the_bit(tmp_path, interrupted):
    run_small(tmp_path / "whole", **OPTIONS)
    stopping = {interrupted: Batches(3 if interrupted == "training" else 1, on_batch=interrupt_at(0, 0))}
    assert run_small(tmp_path / "run", **stopping, **OPTIONS).signal == signal.SIGTERM
    run_small(tmp_path / "run", resume=True, **OPTIONS)
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_the_average_is_validated_and_saved(tmp_path):
    """best.h5 holds the average, last.h5 both; training itself goes on as without."""
    run_small(tmp_path / "plain", epochs=1)
    run_small(tmp_path / "run", epochs=1, average=0.9)
    plain, last, best = (
        native.read(path) for path in (tmp_path / "plain/last.h5", tmp_path / "run/last.h5", tmp_path / "run/best.h5")
    )
    name = "encoder.stages.0.conv.W"
    assert (plain.arrays[name] == last.arrays[name]).all() and (plain.arrays[name] != best.arrays[name]).any()
    size = best.arrays[name].size
    assert (last.extra["training/average/vector"][:size] == best.arrays[name].ravel()).all()


def test_the_best_epoch_by_picks(tmp_path, monkeypatch):
    """The loss is lowest in the first epoch; picks are best in the second, and in the third at a higher loss."""
    epochs = iter([(1.0, 0.2), (3.0, 0.8), (4.0, 0.8)])
    kept, save = [], loop.native.save

    def validated(*_):
        loss, f1 = next(epochs)
        return loss, {"P": f1, "S": float("nan")}, None

    def note(path, model, *extra, **texts):
        if path.name == "best.h5":
            kept.append(model.randomness.step)
        save(path, model, *extra, **texts)

    monkeypatch.setattr(loop, "validate", validated)
    monkeypatch.setattr(loop.native, "save", note)
    run_small(tmp_path / "run", Batches(1), epochs=3, select="picks")
    assert kept == [1, 2]


def test_one_line_an_epoch_when_nobody_watches(tmp_path, capfd):
    run_small(tmp_path / "run")
    out, err = capfd.readouterr()
    assert err == ""
    assert [line.split(":")[0] for line in out.splitlines()] == ["epoch 1/2", "epoch 2/2"]
    assert "windows/s" in out


# -- on a GPU, a pretended one -----------------------------------------------------------------------------------------


@pytest.fixture
def cupy(monkeypatch):
    if not on_host.available():
        pytest.skip("CUDA kernels are compiled for the host by g++")
    monkeypatch.setattr(graph_step, "REHEARSALS", 1)
    with backend.using("fast"):
        yield cupy_stand_in.install(monkeypatch)
    launch.module.cache_clear()
    launch.on_device.cache_clear()


def test_a_graph_is_interrupted_and_resumed(tmp_path, cupy, monkeypatch):
    """To the same bits, but for the sum of losses: it is read before a save, and so added up in other portions."""
    run_small(tmp_path / "whole", device="cuda", epochs=1)
    stopped = run_small(tmp_path / "run", Batches(on_batch=interrupt_at(0, 1)), device="cuda", epochs=1)
    assert stopped.signal == signal.SIGTERM and stopped.position.windows == 4 and stopped.position.loss > 0
    resumed = run_small(tmp_path / "run", resume=True, device="cuda", epochs=1)
    whole = native.read(tmp_path / "whole" / "last.h5")
    for name, array in native.read(tmp_path / "run" / "last.h5").arrays.items():
        np.testing.assert_array_equal(array, whole.arrays[name], err_msg=name)
    found = resumed.position.history.column("loss"), whole.extra["training/history"]
    assert len(found[0]) == 1 and found[0][0] == pytest.approx(found[1][0][2], rel=1e-12)


def test_a_loss_on_a_gpu_that_is_not_finite(tmp_path, cupy):
    spoilt = Batches(on_batch=lambda epoch, number: float("nan") if number == 1 else 1.0)
    with pytest.raises(UserError, match=r"epoch 1, batch 4: a parameter is not finite"):
        run_small(tmp_path / "run", spoilt, device="cuda", epochs=1)
    assert not (tmp_path / "run" / "last.h5").exists()

"""train.py --workers: killed, hanging or with a full disk it ends in one line, and resumes to the same bits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minieqt.data.synthetic import write_stead
from minieqt.weights import native

ROOT = Path(__file__).resolve().parents[1]
SMALL = "--workers 2 --threads 1 --epochs 2 --batch-size 16 --split trace --save-minutes 1e-6".split()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_stead(folder / "small.hdf5", folder / "small.csv", 28, seed=1)
    return ["--data", str(folder / "small.hdf5")]


def start(*arguments, **options):
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe, **options)


def finish(process, code=0):
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, out + err
    return out, err


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The undisturbed run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    out, err = finish(start(*data, *SMALL, "--out", folder))
    assert err == "" and "2 ranks of 1 threads" in out and out.count("epoch 2/2") == 1
    return folder


def assert_same_weights(a, b):
    for name in ("last.h5", "best.h5"):
        one, other = native.read(a / name).arrays, native.read(b / name).arrays
        assert all(one[path].tobytes() == other[path].tobytes() for path in one), name


def ranks_of(process):
    """The process numbers of the launcher's ranks, once there is a checkpoint."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def wait_for_checkpoint(process, folder):
    while not (folder / "last.h5").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_is_killed(data, whole, tmp_path, rank, rng):
    process = start(*data, *SMALL, "--out", tmp_path / "run")
    wait_for_checkpoint(process, tmp_path / "run")
    time.sleep(rng.uniform(0, 0.3))
    os.kill(ranks_of(process)[rank], signal.SIGKILL)
    _, err = finish(process, 137)
    assert re.search(rf"train.py: rank {rank} of 2 was killed by SIGKILL; go on with --resume\n$", err)
    finish(start("--workers", 2, "--threads", 1, "--out", tmp_path / "run", "--resume"))
    assert_same_weights(tmp_path / "run", whole)


def test_stopped_politely(data, whole, tmp_path):
    process = start(*data, *SMALL, "--out", tmp_path / "run")
    wait_for_checkpoint(process, tmp_path / "run")
    process.send_signal(signal.SIGINT)
    out, err = finish(process, 130)
    assert out.count("stopped and saved") == 1 and err.count("finishing this batch") == 1
    finish(start("--workers", 2, "--threads", 1, "--out", tmp_path / "run", "--resume"))
    assert_same_weights(tmp_path / "run", whole)


def test_a_full_disk(data, whole, tmp_path):
    """Files may not grow beyond three megabytes: the checkpoint cannot be written. What went before can be resumed."""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 2**20, 3 * 2**20))

    _, err = finish(start(*data, *SMALL, "--out", tmp_path / "run", preexec_fn=limit), 2)
    assert err.splitlines()[-1].startswith("train.py: ") and "Traceback" not in err
    assert not list((tmp_path / "run").glob("*.partial"))
    finish(start("--workers", 2, "--threads", 1, "--out", tmp_path / "run", "--resume"))
    assert_same_weights(tmp_path / "run", whole)


def test_another_number_of_workers_goes_on(whole, tmp_path):
    import shutil

    shutil.copytree(whole, tmp_path / "run")
    out, _ = finish(start("--workers", 3, "--epochs", 3, "--out", tmp_path / "run", "--resume"))
    assert "3 ranks" in out and "epoch 3/3" in out


def test_more_workers_than_a_batch_holds(data, tmp_path):
    _, err = finish(start(*data, "--split", "trace", "--workers", 3, "--batch-size", 4, "--out", tmp_path / "run"), 2)
    assert err == "train.py: a batch of 4 cannot be cut for rank 0 of 3; give larger batches\n"

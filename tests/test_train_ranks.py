"""train.py as several ranks, by --workers or mpiexec: killed, failing, hanging or with a full disk it ends within the
time-out, leaves nothing behind, and resumes to the same bits."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import assert_nothing_left, shared_memory

from minieqt.data.synthetic import write_stead
from minieqt.weights import native

ROOT = Path(__file__).resolve().parents[1]
MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
WORKERS = ["--workers", "2"]
SMALL = "--threads 1 --epochs 1 --batch-size 8 --split trace --save-minutes 1e-6 --rank-timeout 60".split()

# Put in the way of every Python that starts: in rank 1, what happens instead of the third sum of six.
FAULT = """
import json, os
rank = json.loads(os.environ.get("MINIEQT_RANK", "{{}}")).get("rank") or os.environ.get("PMI_RANK")
if int(rank or 0) == 1:
    import time
    from minieqt.training.data_parallel import DataParallel
    reduce = DataParallel.reduce

    def faulty(self, signal=None):
        if self.steps == 2:
            {fault}
        return reduce(self, signal)

    DataParallel.reduce = faulty
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_stead(folder / "small.hdf5", folder / "small.csv", 28, seed=1)
    return ["--data", str(folder / "small.hdf5")]


@pytest.fixture(params=["workers", "mpiexec"])
def launcher(request):
    """What comes before python, and what after train.py, for two ranks."""
    if request.param == "workers":
        return [], WORKERS
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec")
    return [MPIEXEC, "-n", "2"], []


def start(*arguments, before=(), fault=None, program=(str(ROOT / "train.py"),), **options):
    """train.py, in an environment that makes rank 1 fail if `fault` says how, and where."""
    command = [*before, sys.executable, *program, *map(str, arguments)]
    if fault:
        folder, text = fault
        (folder / "sitecustomize.py").write_text(FAULT.format(fault=text))
        options["env"] = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe, **options)


def finish(process, code=0):
    out, err = process.communicate(timeout=300)
    assert process.returncode in ((code,) if isinstance(code, int) else code), out + err
    return out, err


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The undisturbed run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    out, err = finish(start(*data, *WORKERS, *SMALL, "--out", folder))
    assert err == "" and "2 ranks of 1 threads" in out and out.count("epoch 1/1") == 1
    return folder


def resumes_to(whole, folder):
    """The run in the folder goes on, as two workers, to the weights of the undisturbed one, to the bit. With two ranks
    there is one order to add up in: MPI's sums are the ring's."""
    finish(start(*WORKERS, "--threads", 1, "--out", folder, "--resume"))
    for name in ("last.h5", "best.h5"):
        one, other = native.read(folder / name).arrays, native.read(whole / name).arrays
        assert all(one[path].tobytes() == other[path].tobytes() for path in one | other), name


def ranks_of(process):
    """{rank: process number} of all that the launcher has started."""
    found, waiting = {}, [process.pid]
    while waiting:
        pid = waiting.pop()
        waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        rank = re.search(r'(?:\0PMI_RANK=|MINIEQT_RANK={"rank": )(\d)', Path(f"/proc/{pid}/environ").read_text())
        if rank:
            found[int(rank[1])] = pid
    return found


def wait_for(file, process):
    while not file.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.fixture
def nothing_left():
    """When the test is over no rank that it has noted here is alive, and nothing new lies in shared memory."""
    before = shared_memory()
    pids = []
    yield pids
    assert_nothing_left(pids, before)


@pytest.mark.parametrize("launcher, rank", [("workers", 0), ("workers", 1), ("mpiexec", 0)], indirect=["launcher"])
def test_a_rank_is_killed(launcher, rank, data, whole, tmp_path, nothing_left, rng):
    before, after = launcher
    process = start(*data, *after, *SMALL, "--out", tmp_path / "run", before=before)
    wait_for(tmp_path / "run" / "last.h5", process)
    ranks = ranks_of(process)
    nothing_left += ranks.values()
    time.sleep(rng.uniform(0, 0.3))
    os.kill(ranks[rank], signal.SIGKILL)
    _, err = finish(process, (137, 9))
    assert before or err.endswith(f"minieqt: rank {rank} of 2 was killed by SIGKILL; go on with --resume\n")
    resumes_to(whole, tmp_path / "run")


SLEEPS, FAILS = "time.sleep(1000)", "raise ArithmeticError('two and two')"


@pytest.mark.parametrize(
    "launcher, fault, code, said",
    [
        ("workers", SLEEPS, 2, r"^minieqt: rank 1 of 2 has not come for 5 s: it hangs, or is far too slow\n$"),
        ("mpiexec", SLEEPS, 2, r"^minieqt: rank 0 of 2 has waited 5 s for another$"),
        ("workers", FAILS, 1, r"two and two\nminieqt: rank 1 of 2 failed with exit code 1, as said above; go on"),
        ("mpiexec", FAILS, 1, r"^ArithmeticError: two and two$"),
    ],
    indirect=["launcher"],
)
def test_a_rank_sleeps_or_fails(launcher, fault, code, said, data, whole, tmp_path, nothing_left):
    before, after = launcher
    patience = ["--rank-timeout", 5] if fault == SLEEPS else []
    options = [*data, *after, *SMALL, *patience, "--out", tmp_path / "run"]
    process = start(*options, before=before, fault=(tmp_path, fault))
    wait_for(tmp_path / "run" / "last.h5", process)
    nothing_left += ranks_of(process).values()
    _, err = finish(process, code)
    assert len(re.findall(said, err, re.MULTILINE)) == 1, err
    resumes_to(whole, tmp_path / "run")


def test_a_full_disk(launcher, data, whole, tmp_path, nothing_left):
    """Files may not grow beyond three megabytes: the checkpoint cannot be written. What went before can be resumed."""
    before, after = launcher
    process = start(*data, *after, *SMALL, "--out", tmp_path / "run", before=before)
    wait_for(tmp_path / "run" / "config.json", process)
    ranks = ranks_of(process)
    nothing_left += ranks.values()
    resource.prlimit(ranks[0], resource.RLIMIT_FSIZE, (3 * 2**20, 3 * 2**20))
    _, err = finish(process, 2)
    assert len(re.findall("^minieqt: .*last.h5", err, re.MULTILINE)) == 1 and "Traceback" not in err
    assert not list((tmp_path / "run").glob("*.partial"))
    resumes_to(whole, tmp_path / "run")


def test_another_number_of_workers_goes_on(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    out, _ = finish(start("--workers", 3, "--epochs", 2, "--out", tmp_path / "run", "--resume"))
    assert "3 ranks" in out and "epoch 2/2" in out


@pytest.mark.parametrize("program", [[str(ROOT / "train.py")], ["-m", "minieqt", "train"]])
def test_more_workers_than_a_batch_holds(program, data, tmp_path):
    """Whatever the program was started as, and wherever, its ranks find it."""
    options = [*data, "--split", "trace", "--workers", 3, "--batch-size", 4, "--out", tmp_path / "run"]
    _, err = finish(start(*options, program=program, cwd=tmp_path), 2)
    assert err == "minieqt: a batch of 4 cannot be cut for rank 0 of 3; give larger batches\n"

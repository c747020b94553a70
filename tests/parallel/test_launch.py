"""Launching: ranks that work, fail, hang or are killed end together, with one line, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import assert_nothing_left, shared_memory

ROOT = Path(__file__).resolve().parents[2]

# A rank adds up for ever, about a thousand times a second; what goes wrong is each test's `fault`.
PROGRAM = """
import os, signal, subprocess, sys, time
sys.path.insert(0, {root!r})
import numpy as np
from minieqt.arguments import guarded
from minieqt.errors import UserError
from minieqt.parallel.join import join

def main():
    ranks.timeout = {timeout}
    open(f"{{ranks.rank}}.pid", "w").write(str(os.getpid()))
    for count in range({count}):
        ranks.all_reduce(np.ones(100))
        {fault}
    return 0

ranks = join()
sys.exit(guarded("program", main, ranks.report))
"""
LAUNCHER = """
import os, signal, sys
sys.path.insert(0, {root!r})
from minieqt.parallel import launch
popen = launch.subprocess.Popen

def started(*arguments, **options):
    process = popen(*arguments, **options)
    {when_started}
    return process

launch.subprocess.Popen = started
sys.exit(launch.launch([sys.executable, "rank.py"], {ranks}, "program", "; go on with --resume"))
"""


def start(
    folder: Path,
    fault: str = "pass",
    ranks: int = 3,
    count: int = 10**9,
    timeout: float = 30,
    when_started: str = "pass",
) -> subprocess.Popen:
    """A launcher at work in `folder`. Where nobody is to be late, ranks wait longer than a busy machine stalls."""
    (folder / "rank.py").write_text(PROGRAM.format(root=str(ROOT), fault=fault, count=count, timeout=timeout))
    command = [sys.executable, "-c", LAUNCHER.format(root=str(ROOT), ranks=ranks, when_started=when_started)]
    return subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def pids(folder: Path, ranks: int = 3) -> list[int]:
    """The ranks' process numbers, once all of them are at work."""
    for _ in range(1000):
        texts = [path.read_text() for path in sorted(folder.glob("*.pid"))]
        if len(texts) == ranks and all(texts):
            return [int(text) for text in texts]
        time.sleep(0.02)
    raise AssertionError("the ranks did not start")


@pytest.fixture
def folder(tmp_path):
    """A place to work in; when the test is over there must be no orphan and nothing new in shared memory."""
    before = shared_memory()
    yield tmp_path
    assert_nothing_left((int(path.read_text()) for path in tmp_path.glob("*.pid")), before)


def end(process: subprocess.Popen, code: int, seconds: float = 30) -> str:
    """Wait for the launcher; returns stderr."""
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert time.monotonic() - began < seconds
    return err


def test_all_is_well(folder):
    assert end(start(folder, count=50), 0) == ""


def test_a_rank_is_killed(folder):
    process = start(folder)
    os.kill(pids(folder)[1], signal.SIGKILL)
    assert end(process, 137) == "program: rank 1 of 3 was killed by SIGKILL; go on with --resume\n"


def test_the_launcher_is_killed(folder):
    """The ranks end by themselves, with what they have started (the fixture looks)."""
    child = "if count == 3: open('child.pid', 'w').write(str(subprocess.Popen(['sleep', '1000']).pid))"
    process = start(folder, child, ranks=1)
    pids(folder, 2)
    process.kill()
    process.communicate()


def test_a_users_mistake_is_said_once(folder):
    """All ranks come to the same error, as they do when a sum is not finite."""
    assert end(start(folder, "if count == 5: raise UserError('no good')"), 2) == "program: no good\n"


def test_an_exception_in_one_rank(folder):
    err = end(start(folder, "assert ranks.rank != 2 or count < 5"), 1)
    assert "AssertionError" in err
    assert err.endswith("program: rank 2 of 3 failed with exit code 1, as said above; go on with --resume\n")


def test_a_rank_that_sleeps(folder):
    err = end(start(folder, "if ranks.rank == 1 and count == 5: time.sleep(1000)", timeout=3), 2)
    assert err.startswith("program: rank 1 of 3 has not come for 3 s") and len(err.splitlines()) == 1


def test_a_rank_that_is_stopped(folder):
    process = start(folder, timeout=3)
    os.kill(pids(folder)[2], signal.SIGSTOP)
    said = end(process, 2)  # on a busy machine another may be late as well
    assert said.startswith("program: rank ") and "2 of 3 has not come for 3 s" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on(folder, number):
    """Here every rank ends of it; train.py's save first (tests/test_train_ranks.py)."""
    process = start(folder)
    pids(folder)
    process.send_signal(number)
    assert end(process, 128 + number) == ("program: stopped\n" if number == signal.SIGINT else "")


def test_the_second_signal_ends_at_once(folder):
    deaf = "signal.signal(signal.SIGINT, signal.SIG_IGN); open(f'{ranks.rank}.deaf', 'w')"
    process = start(folder, f"if count == 0: {deaf}")
    while len(list(folder.glob("*.deaf"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert end(process, 130) == ""


def test_a_signal_before_the_ranks_are_ready(folder):
    process = start(folder)
    while not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    assert "Traceback" not in end(process, 130)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_signal_while_a_rank_is_started(folder, rank):
    """Before the launcher has it on its list."""
    early = f"if '\"rank\": {rank},' in options['env']['MINIEQT_RANK']: os.kill(os.getpid(), signal.SIGINT)"
    assert "Traceback" not in end(start(folder, when_started=early), 130)

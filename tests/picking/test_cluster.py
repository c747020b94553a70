"""A pool on Dask: the same bytes as one process, workers that die, and everything that may be wrong with a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from distributed import LocalCluster
from obspy import Stream, UTCDateTime
from records import record

from minieqt import cli
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.picking import cluster as cluster_module
from minieqt.picking.cluster import dask_pool
from minieqt.picking.pool import WorkerLost
from minieqt.processes import same_path
from minieqt.weights import save_weights

QUIET = {"scheduler_kwargs": {"dashboard": False, "dashboard_address": ":0"}, "silence_logs": 50}


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, one thread each; a worker that dies is started again."""
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, **QUIET) as cluster:
        yield cluster


def test_the_same_bytes(cluster, tmp_path, capsys, monkeypatch):
    """Of eight station-days, two of them half empty, from paths that are relative; and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    save_weights(Path("w.h5"), EQTransformer(lstm_blocks=1, length=256))
    midnight = UTCDateTime("2022-02-07T00:00:00")
    Path("in").mkdir()
    for number, station in enumerate("ABCD"):
        stream = record(90, station=station, seed=number, start=midnight - 40)
        Stream([one for one in stream if number or one.stats.channel != "HHE"]).write(f"in/{station}.mseed")
    Path("in/none.txt").write_text("nothing to hear")
    common = ["pick", "in", "--weights", "w.h5", "--detection-threshold", "0.3", "--picks", "all", "--out"]
    assert cli.main([*common, "one"]) == 0
    assert "station-days: 8 picked" in capsys.readouterr().out
    assert cli.main([*common, "many", "--dask", cluster.scheduler_address]) == 0
    assert "station-days: 8 picked" in capsys.readouterr().out
    one, many = (
        {path.relative_to(out): path.read_bytes() for path in Path(out).rglob("[!.]*.*")} for out in ("one", "many")
    )
    assert one == many and len(one) == 6 + 8 and one[Path("picks.csv")].count(b"\n") > 8
    assert not [name for name in cluster.scheduler.worker_plugins if name.startswith("minieqt")]


def square(item, progress):
    """The work of these tests; some items are trouble."""
    if isinstance(item, Path):
        if not item.exists():
            item.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item.name
    if item == -1:
        raise UserError("no square of that")
    if item == -2:
        os.kill(os.getpid(), signal.SIGKILL)
    progress(item)
    return item * item


def work(address, items, shared=(), progress=lambda count: None):
    with dask_pool(address, shared) as pool:
        return sorted(pool(square, items, progress), key=str)


def test_each_item_once(cluster, monkeypatch):
    """Though no more than a few are with the scheduler at a time."""
    monkeypatch.setattr(cluster_module, "AHEAD", 3)
    counts = []
    found = work(cluster.scheduler_address, iter(range(20)), progress=counts.append)
    assert sorted(found) == [n * n for n in range(20)] and sum(counts) == sum(range(20))


def test_an_error_is_raised_here(cluster):
    with pytest.raises(UserError, match=r"^no square of that$"):
        work(cluster.scheduler_address, [1, -1, 2])


def test_what_a_lost_worker_had_is_done_again(cluster, tmp_path):
    assert work(cluster.scheduler_address, [1, tmp_path / "a", 2, tmp_path / "b"]) == [1, 4, "a", "b"]


def test_a_worker_is_lost_again_and_again(cluster):
    with pytest.raises(WorkerLost, match=r"4 workers were lost over -2, the last one tcp://"):
        work(cluster.scheduler_address, [-2])


def slow_square(item, progress):
    time.sleep(2)
    progress(item)
    return item * item


def test_a_cluster_without_workers_is_waited_for(monkeypatch, capsys):
    """And told of: at the beginning, when the last one goes, and when there is one again."""
    monkeypatch.setattr(cluster_module, "LOOK", 0.2)
    with LocalCluster(n_workers=0, threads_per_worker=1, memory_limit=0, **QUIET) as cluster:

        def away(count):
            if count == 1:
                cluster.scale(0)
                cluster.loop.add_callback(cluster.loop.call_later, 4, cluster.scale, 1)

        cluster.loop.add_callback(cluster.loop.call_later, 2, cluster.scale, 1)
        with dask_pool(cluster.scheduler_address, ()) as pool:
            assert sorted(pool(slow_square, [1, 2], away)) == [1, 4]
        told = [line for line in capsys.readouterr().err.splitlines() if cluster.scheduler_address in line]
    gone, back = "has no worker: waiting for one (what is picked is kept)", "has workers again"
    assert [line.partition(" ")[2] for line in told] == [gone, back, gone, back]


def test_a_worker_with_another_minieqt(cluster, monkeypatch):
    monkeypatch.setattr(cluster_module, "source", lambda: "another")
    monkeypatch.setattr("distributed.Client.run_on_scheduler", lambda client, function: "another")
    with pytest.raises(UserError, match=r"^Dask's worker tcp://\S* has another minieqt \(source \w{12}, here another"):
        work(cluster.scheduler_address, [1])


def test_a_scheduler_with_another_minieqt(cluster, monkeypatch):
    monkeypatch.setattr("distributed.Client.run_on_scheduler", lambda client, function: "another")
    with pytest.raises(UserError, match=r"^Dask's scheduler has another minieqt"):
        work(cluster.scheduler_address, [1])


def test_a_worker_that_does_not_see_the_files(cluster, tmp_path, monkeypatch):
    (tmp_path / "not mounted").mkdir()
    with pytest.raises(UserError, match=r"^Dask's worker \S* does not see .*not mounted, or sees nothing in it$"):
        work(cluster.scheduler_address, [1], [tmp_path / "not mounted"])
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.setattr("os.getcwd", lambda: "/nowhere")
    with pytest.raises(UserError, match=r"^Dask's worker \S* does not see /nowhere: all workers"):
        work(cluster.scheduler_address, [1])


def test_a_worker_without_minieqt():
    """It came from somewhere else; one that comes when the work has begun does none of it either."""
    code = "import sys; sys.modules['minieqt'] = None; from distributed.cli.dask_worker import main; main()"
    with LocalCluster(n_workers=0, **QUIET) as empty:
        command = [sys.executable, "-c", code, empty.scheduler_address, "--no-nanny", "--no-dashboard"]
        worker = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=same_path())
        try:
            while not empty.scheduler.workers:
                assert worker.poll() is None
                time.sleep(0.05)
            with pytest.raises(UserError, match=r"every machine needs this minieqt \(.*No module named 'minieqt"):
                work(empty.scheduler_address, [1])
        finally:
            worker.kill()
            worker.wait()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "ftp://127.0.0.1:9"])
def test_nobody_answers(address, monkeypatch):
    monkeypatch.setattr(cluster_module, "ANSWER", 1)
    monkeypatch.setattr(cluster_module, "Client", pytest.fail)  # one that cannot be made prints a traceback at its end
    with pytest.raises(UserError, match=f"^no Dask scheduler answers at {address} "):
        work(address, [1])


def test_a_scheduler_that_goes_away(monkeypatch):
    """In the middle of the work."""

    def items(cluster):
        yield from range(3)
        cluster.close()
        yield from range(3)

    monkeypatch.setattr(cluster_module, "AHEAD", 3)
    with LocalCluster(n_workers=1, threads_per_worker=1, **QUIET) as cluster:
        with pytest.raises(WorkerLost, match="connection to Dask's scheduler was lost"):
            work(cluster.scheduler_address, items(cluster))


def test_dask_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "minieqt.picking.cluster", None)
    save_weights(tmp_path / "w.h5", EQTransformer(lstm_blocks=1, length=256))
    record(10).write(str(tmp_path / "a.mseed"))
    arguments = ["pick", str(tmp_path / "a.mseed"), "--weights", str(tmp_path / "w.h5"), "--out", str(tmp_path / "out")]
    with pytest.raises(UserError, match=r"^--dask needs Dask .*pip install 'minieqt\[cluster\]'"):
        cli.main([*arguments, "--dask", "local"])
    for option in ("--workers", "--threads"):
        with pytest.raises(UserError, match="--workers and --threads are this machine's"):
            cli.main([*arguments, "--dask", "tcp://127.0.0.1:9", option, "2"])
    assert not (tmp_path / "out").exists()

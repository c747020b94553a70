"""A pool (pool.py) on Dask distributed: a scheduler, and workers on any machines that share a file system.

The work, which holds the network, is sent once to every worker, also to those that join later (a worker plugin); items
follow one by one. A worker does one item at a time, with all of its threads. If it dies, Dask gives its items to
others, `distributed.scheduler.allowed-failures` times (3).

The workers must run exactly this minieqt and see the same files under the same names; one that does not raises an error
of one line. When no worker is left, a line says so, and the run waits: a batch system may still start some.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from distributed import CancelledError, Client, KilledWorker, LocalCluster, Security, as_completed, get_worker
from distributed.comm import connect as comm_connect
from distributed.diagnostics.plugin import WorkerPlugin

from minieqt import kernels
from minieqt.errors import UserError
from minieqt.picking.pool import Pool, Progress, Work, WorkerLost, ctrl_c_blocked
from minieqt.threads import limit_threads

ANSWER = 10  # s, for the scheduler to answer
LOOK = 30  # s between two checks whether there is a worker
AHEAD = 2000  # items at the scheduler at a time: more than workers, few enough to keep

ONE_AT_A_TIME = threading.Lock()


@contextmanager
def local_pool(workers: int, threads: int, shared: Sequence[Path]) -> Iterator[Pool]:
    """As `dask_pool`, on a cluster of `workers` processes of this machine, which share `threads` threads."""
    quiet()
    with ctrl_c_blocked():
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=max(threads // workers, 1),
            memory_limit=0,  # none, as for processes
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"dashboard": False, "dashboard_address": ":0"},  # no page, and any port that is free
        )
    with cluster, dask_pool(cluster.scheduler_address, shared) as pool:
        yield pool


@contextmanager
def dask_pool(address: str, shared: Sequence[Path]) -> Iterator[Pool]:
    """The workers of the scheduler at an address.

    shared: files and non-empty folders that every worker must see, as this process does. UserError if no scheduler
    answers.
    """
    quiet()
    with connect(address) as client:
        with reporting_workers(client, address):
            yield partial(on_client, client, shared)


@contextmanager
def reporting_workers(client: Any, address: str) -> Iterator[None]:
    """Print a line when there is no worker, at the beginning or later, and one when there is one again."""
    there, over = True, threading.Event()

    def tell(workers: Sequence[Any]) -> None:
        nonlocal there
        if bool(workers) != there:
            there = not there
            told = "has workers again" if there else "has no worker: waiting for one (what is picked is kept)"
            print(f"{address} {told}", file=sys.stderr, flush=True)

    async def look() -> None:
        while not over.is_set():
            with suppress(OSError):  # no scheduler: the work will raise the error
                tell((await client.scheduler.identity())["workers"])
            await asyncio.sleep(LOOK)

    tell(client.scheduler_info()["workers"])
    client.loop.add_callback(look)
    try:
        yield
    finally:
        over.set()


def quiet() -> None:
    """Silence Dask's log: what goes wrong is reported in one line."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)


def connect(address: str) -> Client:
    """A client of the scheduler there. UserError if there is none."""
    try:
        asyncio.run(try_connecting(address))  # a Client that fails prints a traceback and takes 20 s to end
        return Client(address, timeout=ANSWER, set_as_default=False)
    except Exception as error:  # not an address, no scheduler, another service
        raise UserError(f"no Dask scheduler answers at {address} ({type(error).__name__}: {error})") from error


async def try_connecting(address: str) -> None:
    """Open a connection to a scheduler and close it. Raises whatever Dask raises if there is none."""
    comm = await comm_connect(address, timeout=ANSWER, **Security().get_connection_args("client"))
    await comm.close()


def on_client(
    client: Client, shared: Sequence[Path], work: Work[Any, Any], items: Iterable[Any], progress: Progress
) -> Iterator[Any]:
    """The results of all items, as they come. WorkerLost if an item loses too many workers, or the scheduler ends."""
    todo = iter(items)
    sent = Sent(work, shared)
    given: dict[Any, Any] = {}  # {key: item}

    def give(item: Any) -> Any:
        future = client.submit(run_item, sent.name, item, pure=False)
        given[future.key] = item
        return future

    try:
        hand_out(client, sent)
        running = as_completed([give(item) for item in islice(todo, AHEAD)], loop=client.loop)
        for future in running:
            result, count = future.result()
            del given[future.key]
            progress(count)
            for item in islice(todo, 1):
                running.add(give(item))
            yield result
    except KilledWorker as error:
        told = f"{error.allowed_failures + 1} workers were lost over {given[error.task]}"
        raise WorkerLost(f"{told}, the last one {error.last_worker.address}") from error
    except CancelledError as error:
        raise WorkerLost("the connection to Dask's scheduler was lost") from error
    finally:
        with suppress(Exception):  # a worker may never have had it, or be gone
            client.unregister_worker_plugin(sent.name)


def hand_out(client: Client, sent: Sent) -> None:
    """Give every worker the work. UserError if one of them, or the scheduler, cannot take it."""
    try:
        there = client.run_on_scheduler(source)
        if there != sent.source:
            raise UserError(f"Dask's scheduler has another minieqt (source {there}, here {sent.source})")
        client.register_plugin(sent, sent.name)
    except UserError:
        raise
    except Exception as error:  # raised on the other machine, and wrapped in many ways
        told = "Dask's scheduler or a worker cannot take the work: every machine needs this minieqt"
        raise UserError(f"{told} ({type(error).__name__}: {error})") from error


class Sent(WorkerPlugin):
    """What every worker gets once: the work, and what it must see and be to do it."""

    def __init__(self, work: Work[Any, Any], shared: Sequence[Path]):
        self.name = f"minieqt-{uuid4().hex}"
        self.source = source()
        self.folder = os.getcwd()
        self.shared = [str(path) for path in shared]
        self.pickled = pickle.dumps(work)  # unpickled only once the versions are known to agree
        self.do: Callable[[Any, Progress], Any] = self.refuse

    def setup(self, worker: Any) -> None:
        """On the worker: UserError if it cannot do the work. A worker that joins late raises it with its first item."""
        self.why = self.fault(worker.address)
        if self.why:
            raise UserError(self.why)
        self.do = pickle.loads(self.pickled)

    def fault(self, address: str) -> str:
        """Why this worker cannot do the work, or the empty text. Changes to the folder in which the command runs."""
        if source() != self.source:
            return f"Dask's worker {address} has another minieqt (source {source()}, here {self.source})"
        try:
            os.chdir(self.folder)
        except OSError:
            return f"Dask's worker {address} does not see {self.folder}: all workers have to see the same files"
        hidden = [path for path in self.shared if not is_seen(Path(path))]
        if hidden:
            return f"Dask's worker {address} does not see {hidden[0]}, or sees nothing in it"
        return ""

    def refuse(self, item: Any, progress: Progress) -> Any:
        raise UserError(self.why)


def run_item(name: str, item: Any) -> tuple[Any, int]:
    """On a worker: the result of an item, and its progress."""
    worker: Any = get_worker()
    counts: list[int] = []
    with ONE_AT_A_TIME:
        limit_threads(worker.state.nthreads)
        return worker.plugins[name].do(item, counts.append), sum(counts)


def is_seen(path: Path) -> bool:
    """Whether there is a file, or a folder with something in it: where a disk is not mounted, its folder is empty."""
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


@cache
def source() -> str:
    """Which minieqt this is, as a digest of its source: two checkouts may have the same version number."""
    digest = hashlib.sha256()
    for package in ("minieqt", kernels.package()):
        folder = Path(str(import_module(package).__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]

"""A fetch from beginning to end: stations, then one request per station-day, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import islice

from obspy import Inventory

from minieqt.errors import UserError
from minieqt.fetching.plan import Task, Wanted, tasks
from minieqt.fetching.service import Refusal, Service
from minieqt.fetching.store import FAILED, FETCHED, NOT_THERE, Store, line


@dataclass
class Progress:
    """How many station-days were fetched, are nowhere to be had, failed, and were done before."""

    fetched: int = 0
    not_there: int = 0
    failed: int = 0
    before: int = 0

    @property
    def done(self) -> int:
        return self.fetched + self.not_there + self.failed + self.before


def plan(services: Iterable[Service], wanted: Wanted, store: Store) -> list[tuple[Service, Task]]:
    """What to ask whom for, day by day; the stations' inventory is kept. UserError if there is no station.

    A station that several services have is the first one's.
    """
    planned: list[tuple[Service, Task]] = []
    everything, served = Inventory(networks=[], source="minieqt"), set[str]()
    for service in services:
        inventory = service.stations(wanted)
        new = [t for t in tasks(inventory, wanted.channels, wanted.start, wanted.end) if t.name not in served]
        names = {task.name for task in new}
        everything += select(inventory, names)
        served |= names
        planned += [(service, task) for task in new]
    if not planned:
        stations, patterns = f"{wanted.networks}.{wanted.stations}", " ".join(wanted.channels)
        raise UserError(f"no station {stations} had channels {patterns} at that time and place")
    store.keep_stations(everything)
    return sorted(planned, key=lambda pair: (pair[1].start, pair[1].name))


def select(inventory: Inventory, names: set[str]) -> Inventory:
    """The stations of an inventory that have these names (NET.STA)."""
    networks = [copy(network) for network in inventory]
    for network in networks:
        network.stations = [station for station in network if f"{network.code}.{station.code}" in names]
    return Inventory([network for network in networks if network.stations], source="minieqt")


def fetch(
    planned: list[tuple[Service, Task]],
    store: Store,
    connections: int,
    report: Callable[[Task, Progress], object],
    progress: Progress,
) -> None:
    """Ask for everything that is not there yet, `connections` requests at a time; `report` after each.

    If it is interrupted, requests under way come to their ends, which keep and note what they got.
    """
    todo = []
    for service, task in planned:
        if store.is_done(task):
            progress.before += 1
            report(task, progress)
        else:
            todo.append((service, task))
    queue = iter(todo)
    with ThreadPoolExecutor(connections) as pool, stopping({service for service, _ in todo}):
        running = {pool.submit(one, service, task, store): task for service, task in islice(queue, connections)}
        while running:
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                task, result = running.pop(future), future.result()
                progress.fetched += result == FETCHED
                progress.not_there += result == NOT_THERE
                progress.failed += result == FAILED
                report(task, progress)
                for service, following in islice(queue, 1):
                    running[pool.submit(one, service, following, store)] = following


@contextmanager
def stopping(services: Iterable[Service]) -> Iterator[None]:
    """If the block is left by an exception, services are not asked for a second time."""
    try:
        yield
    except BaseException:
        for service in services:
            service.stopped.set()
        raise


def one(service: Service, task: Task, store: Store) -> str:
    """Ask for a task's records, keep them, and note what came of it."""
    try:
        kept = store.keep(task, service.waveforms(task))
        missing = [id for id in task.ids() if id not in kept]
        result, reason = FETCHED if kept else NOT_THERE, "no data" if missing else ""
    except Refusal as refusal:
        missing, reason = task.ids(), refusal.reason
        result = NOT_THERE if refusal.final else FAILED
    store.note(line(task, service.name, result, missing, reason))
    return result

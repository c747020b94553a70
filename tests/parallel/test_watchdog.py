"""The watchdog bites once, in time, and not at all if all is well."""

from __future__ import annotations

import threading
import time

from minieqt.parallel.watchdog import TICK, Watchdog


def test_too_late():
    bitten, ended = [], threading.Event()
    dog = Watchdog(bitten.append, lambda code: ended.set())
    dog.start(0.1)
    assert ended.wait(20) and bitten == [0.1]


def test_in_time():
    bitten = []
    dog = Watchdog(bitten.append, lambda code: None)
    for _ in range(3):
        with dog.watching(1.5):
            time.sleep(0.6)
    with dog.watching(None):
        time.sleep(2 * TICK)
    time.sleep(2 * TICK)
    assert bitten == []

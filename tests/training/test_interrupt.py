"""The first signal is a request, the second acts as it always does."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from minieqt.training.interrupt import Interrupt


def test_nothing_happened():
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        assert signal.getsignal(signal.SIGINT) != before
    assert interrupt.signal is None
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_a_request(number, capfd):
    with Interrupt() as interrupt:
        os.kill(os.getpid(), number)
        assert interrupt.signal == number
    assert "finishing this batch" in capfd.readouterr().err


def test_the_second_is_not(capfd):
    with pytest.raises(KeyboardInterrupt), Interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_in_another_thread_nothing_is_caught():
    seen = []

    def work():
        with Interrupt() as interrupt:
            seen.append(interrupt.signal)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [None]

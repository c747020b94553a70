"""Start the ranks of one machine and end them together.

The launcher starts the same command N times, each with its place in the ring, and then only watches. Every rank leads a
process group of its own: Ctrl-C reaches the launcher alone, which passes it on, and what a rank has started ends with
it. As soon as one rank has failed the others have GRACE seconds to notice. If the launcher itself is killed the ranks
end at once (member.py).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from minieqt.parallel.link import Memory
from minieqt.parallel.member import READY, VARIABLE
from minieqt.processes import same_path

GRACE = 3.0  # seconds between the first rank's failure and the end of the others
SIGNALS = (signal.SIGINT, signal.SIGTERM)
POLITE = {0, *(128 + number for number in SIGNALS)}  # exit codes of ranks that finished, or saved and stopped


def launch(command: Sequence[str], ranks: int, program: str, hint: str = "") -> int:
    """Run `command` as `ranks` ranks until all have ended; returns the exit code for the whole.

    If the run fails, one line on stderr says why, after the name of the program; where a rank has died, `hint` is added
    to it.
    """
    memory = Memory.create(ranks)
    bells = [socket.socketpair() for _ in range(ranks)]  # of the link that rank r sends on: its end, its neighbour's
    alive, held = os.pipe()
    reports, report = os.pipe()
    os.set_blocking(reports, False)
    run = Launch(program, hint, reports)
    before = {number: signal.signal(number, run.forward) for number in SIGNALS}
    try:
        for rank in range(ranks):
            left, right = bells[rank - 1][1].fileno(), bells[rank][0].fileno()
            place = {"memory": memory, "left": left, "right": right, "alive": alive, "report": report}
            run.start(command, rank, ranks, place)
        for pair in bells:  # so that only the ranks hold them, and a rank's end closes its own
            pair[0].close()
            pair[1].close()
        run.watch()
        return run.verdict()
    finally:
        run.kill()
        for number, handler in before.items():
            signal.signal(number, handler)
        for descriptor in (memory, alive, held, reports, report):
            os.close(descriptor)


class Launch:
    """The processes of one launch, and what is known of how they ended."""

    def __init__(self, program: str, hint: str, reports: int):
        self.program, self.hint, self.reports = program, hint, reports
        self.ranks: list[subprocess.Popen] = []
        self.codes: dict[int, int] = {}  # rank -> exit code, minus the signal's number if it was killed
        self.lines: list[tuple[int, str]] = []  # (rank, what it reported), in the order of time
        self.signals: list[int] = []  # passed on to the ranks

    def start(self, command: Sequence[str], rank: int, size: int, place: dict[str, int]) -> None:
        """One more rank."""
        variable = {VARIABLE: json.dumps({"rank": rank, "size": size} | place)}
        self.ranks.append(
            subprocess.Popen(
                command,
                env=same_path() | variable,
                pass_fds=tuple(place.values()),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        if self.signals:  # a signal came before this rank was on the list
            send(self.ranks[-1], signal.SIGKILL)

    def watch(self) -> None:
        """Return when all ranks have ended, or GRACE seconds after the first that has failed."""
        deadline = float("inf")
        while len(self.codes) < len(self.ranks) and time.monotonic() < deadline:
            time.sleep(0.02)
            self._note()
            if deadline == float("inf") and set(self.codes.values()) - POLITE:
                deadline = time.monotonic() + GRACE

    def _note(self) -> None:
        """See which ranks have ended, and what they have reported. An ended process keeps its number until `kill`."""
        for rank, process in enumerate(self.ranks):
            if rank not in self.codes:
                end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if end is not None:
                    self.codes[rank] = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        try:
            text = os.read(self.reports, 2**16).decode(errors="replace")
        except BlockingIOError:
            return
        self.lines += [(int(rank), line) for rank, _, line in (line.partition(" ") for line in text.splitlines())]

    def forward(self, number: int, frame: FrameType | None) -> None:
        """Pass a signal on to all ranks; the second one, or one that comes before they are ready, ends them."""
        self._note()
        ready = sum(line == READY for _, line in self.lines) == len(self.ranks)
        for process in self.ranks:
            send(process, number if ready and not self.signals else signal.SIGKILL)
        self.signals.append(number)

    def kill(self) -> None:
        """End every rank and all that it has started, now."""
        for process in self.ranks:
            if process.returncode is None:
                send(process, signal.SIGKILL)
                process.wait()

    def verdict(self) -> int:
        """Say why the run has failed, if it has; returns the exit code for the whole."""
        self._note()
        said = [(rank, line) for rank, line in self.lines if line != READY]
        silent = set(self.codes) - {rank for rank, _ in said}
        failed = sorted(rank for rank in silent if self.codes[rank] not in POLITE)
        if self.signals:
            if said and -self.signals[0] not in self.codes.values():  # else some died of it, and the others report that
                print(said[0][1], file=sys.stderr)
            return 128 + self.signals[0] if any(self.codes.values()) or len(self.codes) < len(self.ranks) else 0
        if failed:  # the others report that they have lost it
            rank, code = failed[0], self.codes[failed[0]]
            how = (
                f"failed with exit code {code}, as said above"
                if code > 0
                else f"was killed by {signal.Signals(-code).name}"
            )
            print(f"{self.program}: rank {rank} of {len(self.ranks)} {how}{self.hint}", file=sys.stderr)
            return code if code > 0 else 128 - code
        if said:
            print(said[0][1], file=sys.stderr)
            return self.codes.get(said[0][0]) or 2
        return max(self.codes.values(), default=0)


def send(process: subprocess.Popen, number: int) -> None:
    """A signal to a rank that has not been waited for, and to all that it has started."""
    with suppress(ProcessLookupError, PermissionError):  # all of them have ended
        os.killpg(process.pid, number)

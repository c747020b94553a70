"""Ranks that an MPI launcher has started, on one machine or many: `mpiexec -n 16 python -m minieqt train …`, or srun.

MPI's own all-reduce does the work, and the standard promises the same result on every rank. But a rank that ends with
an error would leave the others waiting for ever, so it ends all of them (`Abort`).
"""

from __future__ import annotations

import os
import re
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from minieqt.errors import UserError
from minieqt.parallel.communicator import Communicator
from minieqt.parallel.watchdog import Watchdog

Array = Any

# What the launchers of MPICH, Open MPI, MVAPICH and Slurm tell their ranks.
VARIABLES = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
PATIENCE = 1.0  # seconds that rank 0 has to report first, where all ranks come to the same error
FORWARDING = (
    0.5  # seconds that mpiexec has to pass a rank's last lines on: what it has not read when the rank aborts is lost
)


def under_mpi() -> bool:
    """Whether an MPI launcher has started this process. MPI itself is not touched."""
    return any(variable in os.environ for variable in VARIABLES)


def remove_names() -> None:
    """Remove the names of the shared memory that MPICH has opened here.

    MPICH does so at the end of a run, but not when a rank is killed. Once all ranks of the machine have opened the
    memory its name is not needed, and without one it is freed with the last of them.
    """
    maps = Path("/proc/self/maps")
    if maps.is_file():
        for name in re.findall(r" (/dev/shm/mpich_shm_\w+)$", maps.read_text(), re.MULTILINE):
            Path(name).unlink(missing_ok=True)


class Mpi(Communicator):
    """The ranks of MPI's world. UserError where mpi4py is missing."""

    def __init__(self) -> None:
        try:
            from mpi4py import MPI
        except ImportError as error:
            raise UserError(
                f"training under mpiexec needs mpi4py and an MPI (pip install -e '.[mpi]'): {error}"
            ) from error
        self._in_place, self._world = MPI.IN_PLACE, MPI.COMM_WORLD
        machine = self._world.Split_type(MPI.COMM_TYPE_SHARED)
        super().__init__(self._world.rank, self._world.size, machine.rank, machine.size)
        machine.Barrier()
        remove_names()
        self._watchdog = Watchdog(self._expired)
        sys.excepthook = self._failed

    def all_reduce(self, array: Array) -> None:
        """Add up a contiguous array over all ranks, in place, to the same bits everywhere."""
        with self._watchdog.watching(self.timeout):
            self._world.Allreduce(self._in_place, array)

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Copy the root's contiguous array into every rank's."""
        with self._watchdog.watching(self.timeout):
            self._world.Bcast(array, root)

    def report(self, line: str) -> None:
        """Say why this rank ends, and end all of them."""
        if self.rank:
            time.sleep(PATIENCE)
        print(line, file=sys.stderr, flush=True)
        self._abort(2)

    def _expired(self, seconds: float) -> None:
        self.report(f"minieqt: rank {self.rank} of {self.size} has waited {seconds:g} s for another")

    def _failed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace)
        self._abort(1)

    def _abort(self, code: int) -> None:
        sys.stderr.flush()
        time.sleep(FORWARDING)
        self._world.Abort(code)

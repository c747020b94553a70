"""Join the other ranks, as this process was started."""

from __future__ import annotations

from minieqt.parallel.communicator import Communicator, Solo
from minieqt.parallel.member import member


def join() -> Communicator:
    """This process's connection to the other ranks: a launcher's ring, MPI, or Solo. To be called once.

    UserError where an MPI launcher has started it and mpi4py is missing.
    """
    from minieqt.parallel.mpi import Mpi, under_mpi

    return member() or (Mpi() if under_mpi() else Solo())

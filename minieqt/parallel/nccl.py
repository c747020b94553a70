"""NVIDIA's NCCL, through CuPy: sums between GPUs over NVLink, PCIe or the network, past the processor.

One rank has one GPU. NCCL cannot bring its ranks together, and works on device memory only. So a ring or MPI is used
beside it: it sends round the id that all ranks begin with, and arrays that are in the processor's memory. A call on
device arrays is only queued on the current stream, as a kernel is: later work of the stream sees the sum, and the call
does not wait. (The wait for the stream comes before the next call through the processor; a watchdog limits it.)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.errors import UserError
from minieqt.parallel.communicator import Communicator
from minieqt.parallel.watchdog import Watchdog

Array = Any


class Nccl(Communicator):
    """`host`'s ranks, each with the current device. UserError where CuPy comes without NCCL."""

    def __init__(self, host: Communicator) -> None:
        super().__init__(host.rank, host.size, host.local_rank, host.local_size)
        import cupy
        from cupy.cuda import nccl

        if not nccl.available:
            raise UserError(
                "several GPUs need NCCL, which this CuPy does not find: pip install nvidia-nccl-cu12 (or -cu13)"
            )
        self.host = host
        self.report = host.report  # type: ignore[method-assign]
        self._stream = cupy.cuda.get_current_stream
        self._sum = nccl.NCCL_SUM
        self._types = {
            "float16": nccl.NCCL_FLOAT16,
            "float32": nccl.NCCL_FLOAT32,
            "float64": nccl.NCCL_FLOAT64,
            "int64": nccl.NCCL_INT64,
            "uint8": nccl.NCCL_UINT8,
        }
        identity = host.broadcast_text(nccl.get_unique_id().hex() if host.rank == 0 else None)
        self._nccl = nccl.NcclCommunicator(host.size, bytes.fromhex(identity), host.rank)
        self._watchdog = Watchdog(self._expired)

    def all_reduce(self, array: Array) -> None:
        """Add up a contiguous array over all ranks, in place, to the same bits everywhere."""
        if not self._on_device(array):
            self.host.all_reduce(array)
            return
        pointer = array.data.ptr
        self._nccl.allReduce(pointer, pointer, array.size, self._type(array), self._sum, self._stream().ptr)

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Copy the root's contiguous array into every rank's."""
        if not self._on_device(array):
            self.host.broadcast(array, root)
            return
        pointer = array.data.ptr
        self._nccl.broadcast(pointer, pointer, array.size, self._type(array), root, self._stream().ptr)

    def launched(self) -> None:
        """Start the clock, as a call on the device does."""
        self._watchdog.start(self.timeout)

    def close(self) -> None:
        """Close NCCL's connection and the host's."""
        self._watchdog.stop()
        self._nccl.destroy()
        self.host.close()

    def _on_device(self, array: Array) -> bool:
        """Whether a call goes to the device; the clock runs from there to the next call through the processor."""
        self.host.timeout = self.timeout
        if isinstance(array, np.ndarray):
            self._watchdog.stop()
            return False
        self._watchdog.start(self.timeout)
        return True

    def _type(self, array: Array) -> int:
        """NCCL's name of an array's type. ValueError for a type it is not used with, or an array with gaps."""
        if not array.flags.c_contiguous or array.dtype.name not in self._types:
            raise ValueError(f"only a contiguous array of {', '.join(self._types)} can be sent, not {array.dtype.name}")
        return self._types[array.dtype.name]

    def _expired(self, seconds: float) -> None:
        self.report(
            f"{Path(sys.argv[0]).name}: rank {self.rank} of {self.size} has waited {seconds:g} s for a sum of GPUs"
        )

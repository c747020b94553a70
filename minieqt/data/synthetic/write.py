"""Writing the synthetic STEAD: many windows, made by several processes, into its two files.

Every event, every noise window and every region draws from a random stream of its own, (seed, which), so that the same
seed writes the same traces, whichever process makes them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, count, islice
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any

from minieqt.data.stead_writer import Row, write_windows
from minieqt.data.synthetic.real_noise import RealNoise, read_noise
from minieqt.data.synthetic.region import EVENT, EVENTS_PER_REGION, NOISE
from minieqt.data.synthetic.windows import earthquake_windows, noise_windows
from minieqt.errors import UserError

Array = Any
Windows = Iterator[tuple[Row, Array]]

VERSION = 5  # raised whenever the same seed begins to make other windows


def write_stead(
    hdf5: str | Path,
    csv: str | Path,
    count: int,
    seed: int,
    noise_fraction: float = 0.3,
    progress: bool = False,
    processes: int = 1,
    distinct: int | None = None,
    noise: Sequence[str | Path] = (),
) -> None:
    """Write `count` windows, of them the fraction noise, as a STEAD pair of files; the same seed, the same traces,
    however many processes make them.

    noise: data sets whose noise windows are the background of three windows in four.
    distinct: make only about this many, and write them over and over, each time under other names; they stay in memory.
    Both files appear only when they are complete. UserError for a count, fraction or seed that makes no sense,
    and for noise that cannot be used.
    """
    distinct = count if distinct is None else distinct
    if min(count, distinct) < 1 or not 0 <= noise_fraction <= 1 or not 0 <= seed < 2**32:
        raise UserError(
            "a synthetic data set needs at least one window, a noise fraction in 0 to 1 and a seed in 0 to 2^32 - 1; "
            f"got {count}, {noise_fraction}, {seed}"
        )
    from tqdm import tqdm

    noise_count = round(count * noise_fraction)
    with _sources(seed, processes, tuple(map(Path, noise))) as sources:
        windows = chain(
            *(
                islice(part, size) if distinct >= count else over_and_over(part, max(1, distinct * size // count), size)
                for part, size in zip(sources, (count - noise_count, noise_count), strict=True)
            )
        )
        write_windows(Path(hdf5), Path(csv), tqdm(windows, total=count, unit=" windows", disable=not progress))


def over_and_over(windows: Windows, distinct: int, count: int) -> Windows:
    """`count` windows: the first `distinct`, then the same again and again as other traces of other events."""
    kept = []
    for window in islice(windows, min(distinct, count)):
        kept.append(window)
        yield window
    for number in range(distinct, count):
        row, x = kept[number % distinct]
        turn = number // distinct
        stem, suffix = row["trace_name"].rsplit("_", 1)
        again = row | {"trace_name": f"{stem}_{turn}_{suffix}"}
        yield again | ({"source_id": f"{row['source_id']}_{turn}"} if "source_id" in row else {}), x


# -- many at a time ----------------------------------------------------------------------------------------------------

CHUNK = 3 * EVENTS_PER_REGION  # events, or noise windows, that a process makes at a time


def _made(seed: int, kind: int, numbers: Any, noise: tuple[Path, ...]) -> Windows:
    real: RealNoise | None = read_noise(noise) if noise else None
    return (earthquake_windows if kind == EVENT else noise_windows)(seed, numbers, real)


def _chunk(what: tuple[int, int, int, tuple[Path, ...]]) -> list[tuple[Row, Array]]:
    """All windows of some events, or some noise windows: a function of its own, so that another process may call it."""
    seed, kind, first, noise = what
    return list(_made(seed, kind, range(first, first + CHUNK), noise))


@contextmanager
def _sources(seed: int, processes: int, noise: tuple[Path, ...]) -> Iterator[tuple[Windows, Windows]]:
    """Earthquakes and noise without end, made by `processes` processes, a bounded number of windows ahead."""
    if noise:
        read_noise(noise)  # so that its errors are raised before anything is written
    if processes == 1:
        yield _made(seed, EVENT, None, noise), _made(seed, NOISE, None, noise)
        return
    # Only the process that writes handles Ctrl-C.
    with ProcessPoolExecutor(processes, get_context("spawn"), signal, (SIGINT, SIG_IGN)) as pool:

        def made(kind: int) -> Windows:
            chunks = ((seed, kind, first, noise) for first in count(0, CHUNK))
            waiting = deque(pool.submit(_chunk, chunk) for chunk in islice(chunks, 2 * processes))
            while True:
                try:
                    yield from waiting.popleft().result()
                except BrokenProcessPool as error:
                    raise UserError(
                        "a process that makes windows was killed, most likely for memory: give fewer --processes"
                    ) from error
                waiting.append(pool.submit(_chunk, next(chunks)))

        try:
            yield made(EVENT), made(NOISE)
        finally:
            pool.shutdown(cancel_futures=True)

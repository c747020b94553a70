"""picks.csv as Parquet: OUT/picks.parquet/date=2022-02-06/picks.parquet, a file per day, for pandas, Arrow, DuckDB.

The same rows in the same order, as numbers and times; null where picks.csv is empty. Each day is written as it comes,
and all files are renamed into place at the end; those of an earlier run whose days have no picks any more are deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from minieqt.errors import UserError
from minieqt.files import atomic_write

FOLDER, FILE = "picks.parquet", "picks.parquet"
TIMES = ("time", "event_start", "event_end")
NUMBERS = ("probability", "uncertainty", "time_uncertainty", "snr", "detection_probability")


def check_installed() -> None:
    """UserError where Arrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise UserError(f"--parquet needs Arrow ({error}): pip install 'minieqt[parquet]'") from error


@contextmanager
def day_files(folder: Path, columns: list[str]) -> Iterator[Callable[[Iterable[list[str]]], None]]:
    """Yield a function that takes rows of picks.csv in order of time; a day's rows stay in memory until it is over."""
    day: list[list[str]] = []
    written: set[Path] = set()
    time = columns.index("time")
    folder.mkdir(exist_ok=True)
    try:
        with ExitStack() as files:

            def finish() -> None:
                if day:
                    path = folder / f"date={day[0][time][:10]}" / FILE
                    path.parent.mkdir(exist_ok=True)
                    write_rows(files.enter_context(atomic_write(path)), columns, day)
                    written.add(path)
                    day.clear()

            def write(rows: Iterable[list[str]]) -> None:
                for row in rows:
                    if day and row[time][:10] != day[0][time][:10]:
                        finish()
                    day.append(row)

            yield write
            finish()
        for path in set(folder.glob(f"date=*/{FILE}")) - written:
            path.unlink()
    finally:
        for each in [*folder.glob("date=*"), folder]:
            with suppress(OSError):  # not empty
                each.rmdir()


def write_rows(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    """One file."""
    import pyarrow
    import pyarrow.parquet

    def typed(name: str, cells: Iterable[str]) -> Any:
        if name in TIMES:
            times = [datetime.fromisoformat(cell) if cell else None for cell in cells]
            return pyarrow.array(times, pyarrow.timestamp("us", "UTC"))
        if name in NUMBERS:
            return pyarrow.array([float(cell) if cell else None for cell in cells], pyarrow.float64())
        return pyarrow.array(cells, pyarrow.string())

    table = [typed(name, cells) for name, cells in zip(columns, zip(*rows, strict=True), strict=True)]
    with path.open("wb") as file:  # Arrow takes no path that is not UTF-8
        pyarrow.parquet.write_table(pyarrow.table(table, names=columns), file)

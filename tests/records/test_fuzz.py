"""Real waveform files with bytes flipped, cut off, doubled: nothing but words, and what is whole is read.

MINIEQT_FUZZ=20000 python -m pytest tests/records/test_fuzz.py      many more than in every day's tests

GSE2 is not among them: its decoder crashes, in a process of its own (tests/records/test_apart.py).
"""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

import numpy as np
import obspy
import pytest
from machine import forget_peak, peak_mib

from minieqt.errors import UserError
from minieqt.records.archive import open_archive
from minieqt.records.left_out import LeftOut
from minieqt.records.selection import Selection
from minieqt.records.serve import group, serve

COUNT = int(os.environ.get("MINIEQT_FUZZ", "300"))
DAY = 86400 * 10**9
MEMORY = 1024  # MiB more than before
FORMATS = {"MSEED": "int32", "SAC": "float32", "SH_ASC": "float32", "WAV": "int32", "SLIST": "int32"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """ObsPy's example earthquake in several formats, as bytes."""
    folder, found = tmp_path_factory.mktemp("whole"), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind, dtype in FORMATS.items():
            one = obspy.read()[0]
            one.data = one.data.astype(dtype)
            path = folder / kind.lower()
            options = {"reclen": 256} if kind == "MSEED" else {}
            one.write(str(path), format=kind, **options)
            found |= {each.name: each.read_bytes() for each in folder.iterdir() if each.suffix != ".QHD"}
    return found


def mutate(data, rng):
    """A few bytes flipped, a piece cut out or doubled, or the end lost."""
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        how, at = int(rng.integers(4)), int(rng.integers(max(len(data), 1)))
        size = int(rng.integers(1, 600))
        if how == 0:
            for _ in range(int(rng.integers(1, 20))):
                if data:
                    data[int(rng.integers(len(data)))] = int(rng.integers(256))
        elif how == 1:
            del data[at:]
        elif how == 2:
            data[at:at] = data[at : at + size]
        else:
            del data[at : at + size]
    return bytes(data)


def look(path):
    """Everything up to the choice of instruments, as `pick` does it; how many samples there are."""
    try:
        archive = open_archive([path], Selection())
    except UserError:
        return 0
    found = 0
    for day, station in archive.days()[:20]:
        left_out = LeftOut(day, day + DAY)
        traces = archive.read(station, day, day + DAY - 1, left_out)
        groups = group(traces, left_out)
        serve(groups, "best", (day, day + DAY), left_out)
        found += sum(trace.stats.npts for trace in traces)
    return found


def test_mutated_files(files, tmp_path):
    rng, names = np.random.default_rng(5), sorted(files)
    forget_peak()  # another test may have had more
    before = peak_mib()
    for number in range(COUNT):
        name = names[number % len(names)]
        path = tmp_path / name
        path.write_bytes(mutate(files[name], rng))
        start = time.process_time()
        look(path)
        assert time.process_time() - start < 10, f"{number} {name}"
        if COUNT > 1000 and number % 1000 == 0:
            print(number, flush=True)
    assert peak_mib() - before < MEMORY


def test_whole_records_survive(files, tmp_path):
    """Of miniSEED, every record that no byte of was touched is read."""
    rng, path = np.random.default_rng(6), Path(tmp_path / "mseed")
    data = files["mseed"]
    records = len(data) // 256
    for _ in range(max(COUNT // 10, 10)):
        bad = set(rng.integers(records, size=2).tolist())
        mutated = bytearray(data)
        for record in bad:
            mutated[record * 256 + 64 : (record + 1) * 256] = bytes(rng.integers(256, size=192, dtype=np.uint8))
        path.write_bytes(mutated)
        whole = sum(
            obspy.read(str(make(tmp_path, data, n)), headonly=True)[0].stats.npts for n in set(range(records)) - bad
        )
        assert look(path) >= whole


def make(folder, data, record):
    """One record as a file of its own."""
    path = folder / f"record{record}"
    if not path.exists():
        path.write_bytes(data[record * 256 : (record + 1) * 256])
    return path

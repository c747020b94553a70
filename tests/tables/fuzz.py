"""Damaged tables, catalogues, data sets and weights: python tests/tables/fuzz.py COUNT [SEED].

A process of its own, as HDF5 is C: bytes are flipped, cut off, doubled; each file is opened as a user would open it.
One clear line (UserError, BadTrace) is right, anything else ends the program, with the seed that repeats it.
"""

from __future__ import annotations

import csv
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
from obspy import UTCDateTime
from obspy.core.event import Catalog, Event, Origin, Pick, WaveformStreamID

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from machine import peak_mib

from minieqt.data import open_dataset
from minieqt.data.synthetic import write_stead
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.tables.catalogue import read_picks_of
from minieqt.weights import load_weights, save_weights

LONGEST, LARGEST = 20, 1000  # s of CPU and MiB that a file may take


def originals(folder):
    """{file to damage: how it is read}."""
    write_stead(folder / "a.hdf5", folder / "a.csv", count=4, seed=1)
    with h5py.File(folder / "waveforms.hdf5", "w") as file:
        form = {"dimension_order": "CW", "component_order": "ZNE", "sampling_rate": 50}
        for key, value in form.items():
            file[f"data_format/{key}"] = value
        file.create_dataset("data/b", data=np.ones((3, 3, 3000), np.float32), chunks=(1, 3, 3000), compression="gzip")
    with open(folder / "metadata.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow("trace_name trace_p_arrival_sample trace_s_arrival_sample trace_start_time source_id".split())
        rows.writerows([f"b${i},:3,:3000", 500, 900, "2022/01/01 00:00:00", f"e{i}"] for i in range(3))
    picks = [f"XX,A{i},{phase},{1644114689 + i}" for i in range(20) for phase in "PS"]
    (folder / "picks.csv").write_text("\n".join(["network,station,phase,time", *picks]))
    time = UTCDateTime(2022, 2, 6)
    pick = [Pick(time=time, phase_hint="P", waveform_id=WaveformStreamID("XX", "A")) for _ in range(3)]
    event = Event(picks=pick, origins=[Origin(time=time, latitude=1.0, longitude=2.0)])
    Catalog([event]).write(str(folder / "events.xml"), format="QUAKEML")
    save_weights(folder / "w.h5", EQTransformer(lstm_blocks=1, seed=0))

    def data(path):
        with open_dataset(path) as dataset:
            dataset.read_into(np.arange(len(dataset)), np.empty((len(dataset), 3, 6000), np.float32))

    stead, seisbench = (lambda: data(folder / "a.hdf5")), (lambda: data(folder))
    return {
        "a.hdf5": stead,
        "a.csv": stead,
        "waveforms.hdf5": seisbench,
        "metadata.csv": seisbench,
        "picks.csv": lambda: read_picks_of(folder / "picks.csv"),
        "events.xml": lambda: read_picks_of(folder / "events.xml"),
        "w.h5": lambda: load_weights(folder / "w.h5"),
    }


def damage(rng, content):
    """Bytes flipped, the end cut off, a part doubled, or zeros; half of the time at the start, where structure is."""
    data = bytearray(content)
    reach = len(data) if rng.random() < 0.5 else min(len(data), 4096)
    kind = rng.integers(4)
    if kind == 0:
        for at in rng.integers(0, reach, rng.integers(1, 20)):
            data[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[rng.integers(0, len(data)) :]
    else:
        start, length = int(rng.integers(0, reach)), int(rng.integers(1, 2000))
        part = bytes(data[start : start + length])
        data[start : start + length] = part + part if kind == 2 else bytes(len(part))
    return bytes(data)


def hung(*_):
    raise TimeoutError


def main():
    signal.signal(signal.SIGPROF, hung)
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as name:
        folder, refused = Path(name), Counter()
        readers = originals(folder)
        contents = {file: (folder / file).read_bytes() for file in readers}
        for read in readers.values():
            read()
        before = peak_mib()
        for number in range(seed, seed + count):
            rng = np.random.default_rng(number)
            file = list(readers)[number % len(readers)]
            (folder / file).write_bytes(damage(rng, contents[file]))
            signal.setitimer(signal.ITIMER_PROF, LONGEST)  # not by the clock: machines are busy
            try:
                readers[file]()
            except UserError as error:
                refused[file] += 1
                assert len(str(error).splitlines()) == 1, f"seed {number}, {file}: {error}"
            except BaseException:
                print(f"seed {number}: {file}", file=sys.stderr, flush=True)
                raise
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            grown = peak_mib() - before
            assert grown < LARGEST, f"seed {number}: {file} took {grown:.0f} MiB"
            (folder / file).write_bytes(contents[file])
    print(f"{count} damaged files, {sum(refused.values())} refused: {dict(refused)}")


if __name__ == "__main__":
    main()

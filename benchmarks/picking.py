"""How fast a day of continuous data is picked, and in how much memory, beside SeisBench, in one run.

    python benchmarks/picking.py RECORD.mseed WEIGHTS.pt       about five minutes; writes benchmarks/results/picking.txt
    python benchmarks/picking.py RECORD.mseed WEIGHTS.pt --hours 4 --rounds 1 --out /dev/stdout

RECORD, three components of one station, is repeated until it fills the hours. Both read the same file, with the same
weights (SeisBench's layout), the same band-pass, windows that overlap by half, five blinded seconds at their edges, the
mean where they overlap, and 2 threads: `minieqt.pick` by EQTransformer's rule, and SeisBench's `classify`.
benchmarks/agreement.py explains why they still do not find the same number of detections. Each contender runs in a
process of its own; timed is everything from reading the file to picks and events, after one window for warming up; peak
memory is the whole process's. They take turns; medians are shown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe, peak_mib, publish

RESULTS = Path(__file__).parent / "results" / "picking.txt"
CONTENDERS = ("minieqt", "seisbench")
BAND = (1.0, 45.0)
BLIND = 500
THREADS = 2


def repeat(record: Path, hours: float, target: Path) -> None:
    """Write `record` again and again, one copy after the other, as one miniSEED file of `hours` hours."""
    import numpy as np
    import obspy

    stream = obspy.read(record)
    length = min(len(trace) for trace in stream)
    wanted = round(hours * 3600 * stream[0].stats.sampling_rate)
    for trace in stream:
        trace.data = np.resize(trace.data[:length], wanted)
    stream.write(str(target), format="MSEED")


class Clock:
    """Wall-clock and processor seconds (all threads) since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self.wall, "cpu": time.process_time() - self.cpu}


def run_minieqt(record: Path, weights: Path) -> dict[str, Any]:
    """Time and what was found."""
    from minieqt.threads import limit_threads

    limit_threads(THREADS)
    import numpy as np
    import obspy

    from minieqt import load_weights, pick

    model = load_weights(weights)
    model.forward(np.zeros((1, 3, 6000), np.float32))
    clock = Clock()
    stream = obspy.read(record)
    events, picks = pick(stream, model, overlap=0.5, blind=BLIND, stack="mean", band=BAND, rule="eqtransformer")
    return clock.read() | {"picks": len(picks), "events": len(events)}


def run_seisbench(record: Path, weights: Path) -> dict[str, Any]:
    """Time and what was found."""
    import obspy
    import seisbench.models as models
    import torch

    torch.set_num_threads(THREADS)
    corners = {"freqmin": BAND[0], "freqmax": BAND[1], "corners": 2, "zerophase": True}
    model = models.EQTransformer(filter_args=["bandpass"], filter_kwargs=corners)
    model.load_state_dict(torch.load(weights, weights_only=True))
    model.eval()
    with torch.no_grad():
        model(torch.zeros(1, 3, 6000))
    clock = Clock()
    thresholds = {"P_threshold": 0.1, "S_threshold": 0.1, "detection_threshold": 0.3}
    rules = {"overlap": 3000, "blinding": (BLIND, BLIND), "stacking": "avg"}
    found = model.classify(obspy.read(record), **rules, **thresholds)
    return clock.read() | {"picks": len(found.picks), "events": len(found.detections)}


def measure(contender: str, record: Path, weights: Path) -> dict[str, Any]:
    """One contender in a process of its own."""
    command = [sys.executable, __file__, str(record), str(weights), "--contender", contender]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(answer.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        run = run_minieqt if options.contender == "minieqt" else run_seisbench
        answer = run(options.record, options.weights)
        print(json.dumps(answer | {"peak_mib": peak_mib()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.mseed"
        repeat(options.record, options.hours, record)
        measure("minieqt", record, options.weights)  # compiles, where it has never run before
        rounds = [{name: measure(name, record, options.weights) for name in CONTENDERS} for _ in range(options.rounds)]
    lines = [
        describe("minieqt", "numba", "seisbench", "torch", "obspy"),
        f"{options.hours:g} h of {options.record.name} (repeated), {options.weights.name}, overlap 0.5, "
        f"{THREADS} threads, median of {options.rounds} rounds",
        "",
        f"{'':<12}{'time (s)':>10}{'processor (s)':>15}{'peak memory (MiB)':>20}{'picks':>8}{'detections':>12}",
    ]
    medians = {}
    for name in CONTENDERS:
        seconds, cpu, peak = (statistics.median(r[name][key] for r in rounds) for key in ("seconds", "cpu", "peak_mib"))
        medians[name] = seconds, peak
        found = rounds[0][name]
        lines.append(f"{name:<12}{seconds:>10.1f}{cpu:>15.1f}{peak:>20.0f}{found['picks']:>8}{found['events']:>12}")
    (ours, our_peak), (theirs, their_peak) = (medians[name] for name in CONTENDERS)
    ends = "SeisBench's detections end below half the threshold, those of EQTransformer's rule below it: agreement.txt."
    lines += ["", ends]
    lines += ["", f"minieqt is {theirs / ours:.1f} times as fast, in {our_peak / their_peak:.2f} of the memory"]
    publish(lines, options.out)


if __name__ == "__main__":
    main()

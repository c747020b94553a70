"""How many events the rules of picking make of real hours: with each network, by each rule, and with other ends.

    python benchmarks/rules.py RECORD_OR_FOLDER… --weights own FILE…      a minute; writes benchmarks/results/rules.txt

A row is a record (or a folder's records) and a network ("own": the package's). The last columns are of minieqt's rule.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import obspy
from machine import describe, publish

from minieqt import annotate, load_weights
from minieqt.picking.probabilities import Settings
from minieqt.picking.rules import candidates

RESULTS = Path(__file__).parent / "results" / "rules.txt"
HOW: dict[str, dict[str, Any]] = {
    "eqtransformer": {"rule": "eqtransformer"},
    "seisbench": {"rule": "seisbench"},
    "minieqt": {},
    "join 0.5 s": {"join": 0.5},
    "end 0.05": {"detection_end": 0.05},
}


def count(stream: obspy.Stream, how: dict[str, Any]) -> str:
    """Events (those with P and S; every P and S), the longest in minutes, of a Stream of probabilities DET, P, S."""
    pieces: dict[tuple[Any, ...], dict[str, Any]] = {}
    for trace in stream:
        stats = trace.stats
        key = (stats.network, stats.station, stats.location, stats.instrument, stats.starttime.ns)
        pieces.setdefault(key, {})[stats.channel] = trace.data
    probabilities = (np.stack([piece[name] for name in ("DET", "P", "S")]) for piece in pieces.values())
    found = [candidates(probability, Settings(**how), 100.0) for probability in probabilities]
    events = [event for detections, _ in found for event in detections]
    pairs = sum(event.p is not None and event.s is not None for event in events)
    picks = sum(len(samples) for _, phases in found for samples in phases.values())
    longest = max((event.end - event.start for event in events), default=0) / 6000
    return f"{len(events)} ({pairs}; {picks}; {longest:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="+", type=Path)
    parser.add_argument("--weights", nargs="+", default=["own"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = [
        describe("minieqt", "numba", "obspy"),
        "events (those with both P and S; all P and S over their thresholds; the longest event in minutes)",
        "",
        f"{'':<46}" + "".join(f"{name:>23}" for name in HOW),
    ]
    for record in options.records:
        stream = obspy.read(str(record / "*.mseed" if record.is_dir() else record))
        for weights in options.weights:
            found = annotate(stream, load_weights() if weights == "own" else load_weights(weights))
            row = "".join(f"{count(found, how):>23}" for how in HOW.values())
            lines.append(f"{record.name + ', ' + Path(weights).name:<46}{row}")
    publish(lines, options.out)


if __name__ == "__main__":
    main()

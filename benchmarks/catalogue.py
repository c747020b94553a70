"""From records to a catalogue where the truth is known: which earthquakes are found, how well located, in what time.

    python benchmarks/catalogue.py                          a day of 12 stations: some minutes of one core
    python benchmarks/catalogue.py --hours 168 --stations 100 --workers 4
    python benchmarks/catalogue.py --hours 6 --method pyocto gamma --out benchmarks/results/associators.txt

A synthetic network (`synth --network`) records some hours; `pick --picks all` and `associate` make a catalogue of it,
each a process of its own, as a user would call them. Speeds are the true ones, as far as two numbers can give them: the
medians over all arrivals that stand out of the noise. PyOcto has to be installed, and any other --method, too.

An earthquake of the catalogue is right if it is within 2 s and 20 km of a true one, one to one. Recall is counted among
the true ones that had a chance: with eight arrivals that stand out of the noise, and, for the association alone, with
eight right picks (within 0.5 s of an arrival, whether it stands out or not). Beside it is the same association of the
true arrivals that stand out: the errors that two speeds and PyOcto's grid cause when nothing was picked wrong.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from machine import Cost, cost, describe, publish
from obspy import UTCDateTime

from minieqt.arguments import positive, whole
from minieqt.catalogue.associate import Limits
from minieqt.catalogue.reference import Matched, match_events
from minieqt.commands.associate import METHODS
from minieqt.data.synthetic.region import Event
from minieqt.data.synthetic.synthetic_network import START, Network, make_network, write_network
from minieqt.data.synthetic.windows import NETWORK
from minieqt.evaluation.matching import match_groups
from minieqt.evaluation.pick_sets import read_picks
from minieqt.processes import module_command
from minieqt.tables.catalogue import Origin
from minieqt.tables.origins import read_origins
from minieqt.weights.locate import OWN_NAME

RESULTS = Path(__file__).parent / "results" / "catalogue.txt"
RIGHT = 0.5  # s of a pick
ENOUGH = Limits().picks
FIRST = UTCDateTime(START).ns
LOUD = np.array([1.5, 2.0, 2.5, 3.0, 10.0])  # magnitudes

Array = Any


def stage(*arguments: str) -> Cost:
    """What a command of minieqt takes. SystemExit if it fails."""
    return cost(module_command("minieqt", *arguments))


def origin(event: Event) -> Origin:
    """A true earthquake."""
    time = UTCDateTime(event.time.replace(tzinfo=UTC).timestamp())
    return Origin(time.ns, event.latitude, event.longitude, event.magnitude)


def speeds(network: Network) -> tuple[float, float]:
    """km/s of P and S: medians over the arrivals that stand out."""
    seen = {(arrival.station.code, arrival.event.name) for arrival in network.arrivals}
    travelled = np.array(
        [
            (np.hypot(wave.epicentral, wave.event.depth_km), wave.travel.p, wave.travel.s)
            for code, waves in network.waves.items()
            for wave in waves
            if (code, wave.event.name) in seen
        ]
    )
    return float(np.median(travelled[:, 0] / travelled[:, 1])), float(np.median(travelled[:, 0] / travelled[:, 2]))


def right_picks(path: Path, network: Network) -> tuple[Counter[str], int]:
    """{event: how many of its arrivals were picked}, and how many picks there are in all."""
    found = read_picks(path)
    arrivals = [
        (seconds, f"{NETWORK}.{code}", phase, wave.event.name)
        for code, waves in network.waves.items()
        for wave in waves
        for phase, seconds in (("P", wave.p), ("S", wave.s))
    ]
    mine = list(zip(found.stations(), found.phases(), strict=True))
    pairs = match_groups(
        found.seconds(FIRST), np.array([each[0] for each in arrivals]), mine, [each[1:3] for each in arrivals], RIGHT
    )
    return Counter(arrivals[n][3] for n in pairs[:, 1]), len(mine)


def share(part: int, whole: int) -> str:
    """ "0.950 (19 of 20)"."""
    return f"{part / max(whole, 1):.3f} ({part} of {whole})"


def errors(matched: Matched) -> str:
    """Of origin times and epicentres."""
    seconds, kilometres = np.abs(matched.seconds), matched.kilometres
    median = f"errors: median {np.median(seconds):.2f} s and {np.median(kilometres):.1f} km"
    return f"{median}, nine in ten within {np.quantile(seconds, 0.9):.2f} s and {np.quantile(kilometres, 0.9):.1f} km"


def report(network: Network, matched: Matched, picked: Counter[str]) -> list[str]:
    """Recall, precision, errors, and recall by magnitude."""
    found = {network.events[n].name for n in matched.pairs[:, 1]}
    standing_out = Counter(arrival.event.name for arrival in network.arrivals)
    chances = {
        f"{ENOUGH} arrivals that stand out": standing_out,
        f"{ENOUGH} right picks": picked,
    }
    lines = [f"precision: {share(len(matched.pairs), len(matched.ours))}"]
    for what, counts in chances.items():
        names = {event.name for event in network.events if counts[event.name] >= ENOUGH}
        lines.append(f"recall of those with {what}: {share(len(names & found), len(names))}")
    worked_on = {arrival.event.name for arrival in network.arrivals if arrival.analyst is not None}
    lines.append(f"of the analysts' list: {share(len(worked_on & found), len(worked_on))}")
    lines.append(errors(matched))
    lines += ["", f"{'magnitude':<12}{'true':>6}{'8 stand out':>13}{'8 right picks':>15}{'found':>7}"]
    for low, high in pairwise(LOUD.tolist()):
        names = [event.name for event in network.events if low <= event.magnitude < high]
        enough = (sum(counts[name] >= ENOUGH for name in names) for counts in chances.values())
        row = [len(names), *enough, sum(name in found for name in names)]
        label = f"{low:g} to {high:g}" if high < 10 else f"from {low:g}"
        lines.append(f"{label:<12}{row[0]:>6}{row[1]:>13}{row[2]:>15}{row[3]:>7}")
    return lines


def study(options: argparse.Namespace, folder: Path) -> list[str]:
    """All of it, as lines."""
    network = make_network(options.seed, options.hours, options.stations, options.events, options.sequence)
    began = time.monotonic(), time.process_time()
    write_network(folder / "network", network)
    written = time.monotonic() - began[0], time.process_time() - began[1]
    records, stations = str(folder / "network"), str(folder / "network" / "stations.xml")
    weights = ["--weights", options.weights] if options.weights else []
    more = ["--workers", str(options.workers), "--threads", str(options.workers)]
    vp, vs = speeds(network)
    true = [origin(event) for event in network.events]

    def associate(name: str, picks: Path, method: str) -> tuple[Cost, Matched]:
        out = folder / name
        taken = stage(
            "associate", str(picks), "--stations", stations, "--out", str(out), "--vp", f"{vp:.3f}", "--vs",
            f"{vs:.3f}", "--method", method,
        )  # fmt: skip
        found = read_origins(out / "earthquakes.csv", Counter())
        return taken, match_events(found, true)  # type: ignore[arg-type]

    stages = {"pick": stage("pick", records, "--out", str(folder / "picks"), "--picks", "all", *weights, *more)}
    picked, count = right_picks(folder / "picks" / "picks.csv", network)
    results = []
    for method in options.method:
        stages[f"by {method}"], matched = associate(f"by {method}", folder / "picks", method)
        _, best = associate(f"true arrivals by {method}", folder / "network" / "truth.csv", method)
        results += [
            "",
            f"by {method}: {len(matched.ours)} earthquakes found",
            *report(network, matched, picked),
            "",
            f"of the true arrivals: precision {share(len(best.pairs), len(best.ours))}, {errors(best)}",
        ]
    return [
        describe("minieqt", "numpy", "numba", "obspy", "pyocto", "gmma"),
        f"{Path(options.weights).name if options.weights else OWN_NAME}; {options.stations} stations, "
        f"{options.hours:g} h, seed {options.seed}; {len(network.events)} earthquakes, "
        f"{len(network.arrivals)} arrivals that stand out; {count} picks, {sum(picked.values())} of them right; "
        f"{vp:.2f} and {vs:.2f} km/s",
        *results,
        "",
        f"{'':<12}{'time (s)':>10}{'processor (s)':>15}{'peak memory (MiB)':>19}",
        f"{'records':<12}{written[0]:>10.1f}{written[1]:>15.1f}",
        *(f"{name:<12}{took.seconds:>10.1f}{took.processor:>15.1f}{took.peak:>19.0f}" for name, took in stages.items()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", metavar="FILE|NAME", help="(minieqt's own)")
    parser.add_argument("--hours", type=positive, default=24.0, help="of records (24)")
    parser.add_argument("--stations", type=whole(1, 999), default=12, help="(12)")
    parser.add_argument("--events", type=positive, default=40.0, help="an hour (40)")
    parser.add_argument("--sequence", type=whole(0), default=0, metavar="N", help="and N in a swarm, N aftershocks (0)")
    parser.add_argument("--method", nargs="+", choices=METHODS, default=["pyocto"], help="of association (pyocto)")
    parser.add_argument("--workers", type=whole(1), default=1, help="that pick, with a thread each (1)")
    parser.add_argument("--seed", type=whole(0), default=0, help="of the network (0)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        publish(study(options, Path(folder)), options.out)


if __name__ == "__main__":
    main()

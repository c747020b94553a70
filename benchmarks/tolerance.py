"""How close must a pick be to its computed time, and how far apart are two earthquakes? `associate`'s defaults.

    python benchmarks/tolerance.py              some minutes of one core; PyOcto has to be installed

Synthetic networks with a mainshock, its aftershocks and a swarm (docs/synthetic.md) are picked once and associated with
one tolerance after the other: with the speeds that fit best, and with speeds that are 6 % too low, as real speeds are
not known to the per cent. Recall counts earthquakes with eight right picks; "close" are those less than 10 s from
another. The defaults were chosen on these networks; benchmarks/catalogue.py reports on another.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from catalogue import ENOUGH, origin, right_picks, speeds, stage
from machine import describe

from minieqt.catalogue.associate import Limits, associate
from minieqt.catalogue.input import read_input
from minieqt.catalogue.reference import match_events
from minieqt.catalogue.velocity import homogeneous
from minieqt.data.synthetic.synthetic_network import make_network, write_network

RESULTS = Path(__file__).parent / "results" / "tolerance.txt"
SEEDS = (11, 12)
HOURS, STATIONS, EVENTS, IN_SEQUENCE = 6.0, 12, 40.0, 250
CLOSE = 10.0  # s
TRIED = [Limits(tolerance=tolerance) for tolerance in (0.4, 0.6, 0.8, 1.0, 1.4)] + [Limits(apart=2.0)]


def of_a_network(seed: int, folder: Path) -> list[str]:
    """One line for every way of associating it."""
    network = make_network(seed, HOURS, STATIONS, EVENTS, IN_SEQUENCE)
    write_network(folder / "network", network)
    stage("pick", "pick", str(folder / "network"), "--out", str(folder / "picks"), "--picks", "all", "--threads", "1")
    given = read_input(folder / "picks", folder / "network" / "stations.xml", None, None)
    true = [origin(event) for event in network.events]
    picked, _ = right_picks(folder / "picks" / "picks.csv", network)
    enough = np.array([picked[event.name] >= ENOUGH for event in network.events])
    gaps = np.diff([each.time / 1e9 for each in true], prepend=-np.inf, append=np.inf)
    close = enough & (np.minimum(gaps[1:], gaps[:-1]) < CLOSE)
    vp, vs = speeds(network)
    lines = [
        "",
        f"seed {seed}: {len(true)} earthquakes, {enough.sum()} with {ENOUGH} right picks, {close.sum()} of them close",
        f"{'vp, vs':<12}{'tolerance':>10}{'apart':>7}{'found':>7}{'precision':>11}{'recall':>8}{'close':>7}{'km':>6}",
    ]
    for speed in ((vp, vs), (0.94 * vp, 0.94 * vs)):
        for limits in TRIED:
            matched = match_events(associate(given.onsets, given.places, homogeneous(*speed), limits), true)
            found = np.zeros(len(true), bool)
            found[matched.pairs[:, 1]] = True
            precision = len(matched.pairs) / max(len(matched.ours), 1)
            lines.append(
                f"{f'{speed[0]:.2f}, {speed[1]:.2f}':<12}{limits.tolerance:>10.1f}{limits.apart:>7.1f}"
                f"{len(matched.ours):>7}{precision:>11.3f}{found[enough].mean():>8.3f}{found[close].mean():>7.3f}"
                f"{np.median(matched.kilometres):>6.1f}"
            )
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = [describe("minieqt", "numpy", "obspy", "pyocto")]
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            lines += of_a_network(seed, Path(folder))
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

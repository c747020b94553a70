"""Does the loop learn, and does the queue choose better than chance? A simulated analyst who knows the truth.

    python benchmarks/learning_loop.py --weights conservative    some minutes of one core; prints, and keeps the text
    python benchmarks/learning_loop.py --seeds 10 --hours 24     with the package's own, for narrower intervals

A synthetic network records some hours. The first half is picked, and an analyst corrects 100 of its detections: in one
arm those that `review`'s queue puts first, in the other 100 drawn at random (anew for each seed). Where there is an
earthquake the analyst sets P and S to the true times and accepts, elsewhere rejects. `learn` fine-tunes on either, as a
user would call it, and its network picks the second half, which was not reviewed.

A pick is right within 0.5 s of an arrival that stands out of the noise. One near an arrival that is in the record and
does not stand out counts neither way; any other is wrong. Intervals (95 %): the bootstrap over ten-minute blocks, the
same for both arms; counts of all seeds are added up. They cover what another second half would change, not what other
seeds or another network of stations would: of that the single seeds give an idea.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe
from obspy import UTCDateTime

from minieqt.arguments import positive, whole
from minieqt.cli import main as minieqt
from minieqt.data.synthetic.synthetic_network import START, Network, make_network, write_network
from minieqt.data.synthetic.windows import NETWORK
from minieqt.evaluation.bootstrap import CONFIDENCE, RESAMPLES, draw, f1_differences, measures, quantiles
from minieqt.evaluation.matching import match_groups
from minieqt.evaluation.pick_sets import read_picks
from minieqt.evaluation.report import grid
from minieqt.picking.events import Event
from minieqt.review.journal import Journal
from minieqt.review.queue import doubtful
from minieqt.review.state import read_out
from minieqt.weights.locate import OWN_NAME

RESULT = Path(__file__).resolve().parent / "results" / "learning_loop.txt"
TOLERANCE = 0.5  # s: a right pick
NEAR = 1.0  # s, at most, between a detection's pick and the arrival that the analyst takes for its cause
BLOCK = 600.0  # s, of the bootstrap
FIRST = UTCDateTime(START).ns
QUIET = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2

Array = Any


@dataclass(frozen=True)
class Cause:
    """An earthquake at a station: P and S in nanoseconds since 1970, and whether it stands out of the noise."""

    p: int
    s: int
    seen: bool


def causes(network: Network) -> dict[str, list[Cause]]:
    """By station."""
    seen = {(arrival.station.code, arrival.event.name) for arrival in network.arrivals}
    return {
        code: [
            Cause(FIRST + round(w.p * 1e9), FIRST + round(w.s * 1e9), (code, w.event.name) in seen)
            for w in waves
        ]
        for code, waves in network.waves.items()
    }  # fmt: skip


def cause_of(event: Event, there: list[Cause]) -> Cause | None:
    """A detection's cause: the earthquake nearest to its picks, or one that stands out and begins within it."""
    picks = {pick.phase: pick.time.ns for pick in event.picks()}
    if picks and there:
        far = [min(abs(time - getattr(cause, phase.lower())) for phase, time in picks.items()) for cause in there]
        nearest = int(np.argmin(far))
        if far[nearest] <= NEAR * 1e9:
            return there[nearest]
    inside = (c for c in there if c.seen and any(event.start.ns - 1e9 <= t <= event.end.ns for t in (c.p, c.s)))
    return next(inside, None)


def correct(folder: Path, keys: list[str], truth: dict[str, list[Cause]]) -> tuple[int, int]:
    """The analyst's work; how many were accepted and rejected."""
    out, journal = read_out(folder), Journal(folder)
    accepted = 0
    for key in keys:
        event = out.events[key]
        cause = cause_of(event, truth[event.instrument.station])
        if cause is not None:
            accepted += 1
            found = {pick.phase: pick.time.ns for pick in event.picks()}
            for phase, time in (("P", cause.p), ("S", cause.s)):
                journal.write("analyst", key, phase.lower(), found.get(phase), time)
        journal.write("analyst", key, "verdict", None, "accepted" if cause is not None else "rejected")
    return accepted, len(keys) - accepted


def score(picks: Path, network: Network, start: float, end: float) -> dict[str, Array]:
    """{phase: (blocks, 3)}: right, wrong, missed of the picks between two times (seconds after START)."""
    found = read_picks(picks)
    times, labels = found.seconds(FIRST), list(zip(found.stations(), found.phases(), strict=True))
    seen = [(a.time, (f"{NETWORK}.{a.station.code}", a.phase)) for a in network.arrivals if start <= a.time < end]
    every = [
        (getattr(wave, phase.lower()), (f"{NETWORK}.{code}", phase))
        for code, waves in network.waves.items()
        for wave in waves
        for phase in "PS"
    ]
    inside = (times >= start) & (times < end)
    result = {}
    for phase in "PS":
        mine = np.flatnonzero(inside & (found.phases() == phase))
        stands_out = [(time, label) for time, label in seen if label[1] == phase]
        true, true_labels = np.array([time for time, _ in stands_out]), [label for _, label in stands_out]
        own_labels = [labels[i] for i in mine]
        pairs = match_groups(times[mine], true, own_labels, true_labels, TOLERANCE)
        right = np.isin(np.arange(len(mine)), pairs[:, 0])
        near = np.array(
            [any(abs(times[i] - t) <= TOLERANCE for t, label in every if label == labels[i]) for i in mine], bool
        )
        missed = ~np.isin(np.arange(len(true)), pairs[:, 1])
        blocks = int(np.ceil((end - start) / BLOCK))
        counted = [times[mine][right], times[mine][~right & ~near], true[missed]]
        columns = [np.bincount(((t - start) // BLOCK).astype(int), minlength=blocks) for t in counted]
        result[phase] = np.stack(columns, axis=1).astype(float)
    return result


def cells(counts: Array) -> list[str]:
    """Precision, recall and F1 with intervals, of (blocks, 3)."""
    rng = np.random.default_rng(0)
    drawn = np.stack([counts.sum(axis=0), *(draw(rng, len(counts)) @ counts for _ in range(RESAMPLES))])
    texts = []
    for name, values in measures(*drawn.T).items():
        low, high = quantiles(values[1:], *QUIET)
        texts.append(f"{values[0]:.3f} ({low:.3f} to {high:.3f})" if name != "f1" else f"{values[0]:.3f}")
    return texts


def difference(before: dict[str, Array], after: dict[str, Array]) -> tuple[float, float, float]:
    """F1, the mean of P and S: after minus before, and its interval."""
    blocks = np.arange(len(before["P"]))
    mean = np.mean([f1_differences(before[phase], after[phase], blocks) for phase in "PS"], axis=0)
    return float(mean[0]), *quantiles(mean[1:], *QUIET)


def quietly(arguments: list[str]) -> int:
    """A command as a user would call it, without what it prints."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        code = minieqt(arguments)
    if code not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)}\n{heard.getvalue()}")
    return code


def added(parts: list[dict[str, Array]]) -> dict[str, Array]:
    """The counts of several seeds."""
    return {phase: np.sum([part[phase] for part in parts], axis=0) for phase in "PS"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", metavar="FILE|NAME", help="(minieqt's own)")
    parser.add_argument("--hours", type=positive, default=8.0, help="of records, whose first half is corrected (8)")
    parser.add_argument("--stations", type=whole(1, 40), default=6, help="(6)")
    parser.add_argument("--events", type=positive, default=25.0, help="an hour (25)")
    parser.add_argument("--count", type=whole(1), default=100, help="corrections in each arm (100)")
    parser.add_argument("--seeds", type=whole(1), default=2, help="of random draws and of fine-tuning (2)")
    parser.add_argument("--network-seed", type=whole(0), default=23, help="(23)")
    parser.add_argument("--epochs", type=whole(1), default=12, help="(12)")
    parser.add_argument("--result", type=Path, default=RESULT, help=f"({RESULT})")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lines = loop(options, Path(folder))
    lines.append(f"{(time.monotonic() - began) / 60:.1f} minutes")
    options.result.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def note(text: str) -> None:
    """Progress; the result is printed at the end."""
    print(text, file=sys.stderr, flush=True)


def loop(options: argparse.Namespace, folder: Path) -> list[str]:
    """The whole of it, as lines."""
    weights = ["--weights", options.weights] if options.weights else []
    threads = ["--threads", "1"]
    network = make_network(options.network_seed, options.hours, options.stations, options.events)
    note("writing records")
    write_network(folder / "network", network)
    archive, truth = str(folder / "network"), causes(network)
    middle = options.hours * 1800
    change = (START + timedelta(seconds=middle)).isoformat()

    def pick_second_half(name: str, chosen: list[str]) -> dict[str, Array]:
        note(f"picking the second half: {name}")
        out = folder / f"second-{name}"
        quietly(["pick", archive, "--out", str(out), "--start", change, *chosen, *threads])
        return score(out / "picks.csv", network, middle, 2 * middle)

    note("picking the first half")
    first = folder / "first"
    quietly(["pick", archive, "--out", str(first), "--end", change, "--uncertainty", "3", *weights, *threads])
    out = read_out(first)
    ranked = [item.key for item in doubtful(out)]
    before = pick_second_half("before", weights)
    arms: dict[str, list[dict[str, Array]]] = {"queue": [], "random": []}
    taken: dict[str, int] = dict.fromkeys(arms, 0)
    accepted: dict[str, list[int]] = {arm: [] for arm in arms}
    for seed in range(options.seeds):
        drawn = np.random.default_rng(seed).permutation(sorted(out.events))[: options.count].tolist()
        for arm, keys in (("queue", ranked[: options.count]), ("random", drawn)):
            note(f"learning from {arm}, seed {seed}")
            place = folder / f"{arm}-{seed}"
            shutil.copytree(first, place)
            accepted[arm].append(correct(place, keys, truth)[0])
            learn = ["learn", str(place), *weights, *threads, "--seed", str(seed), "--epochs", str(options.epochs)]
            taken[arm] += quietly(learn) == 0
            learnt = str(place / "learned" / "001" / "weights.h5")
            arms[arm].append(pick_second_half(f"{arm}-{seed}", ["--weights", learnt]))
            note(f"gain {difference(before, arms[arm][-1])[0]:+.3f}")
    return [
        describe("numpy", "numba"),
        f"{Path(options.weights).name if options.weights else OWN_NAME}; {options.stations} stations, "
        f"{options.hours:g} h, {len(network.events)} events; {len(out.events)} detections in the first half; "
        f"{options.count} corrected, {options.epochs} epochs, {options.seeds} seeds",
        *(
            f"{arm}: {', '.join(map(str, accepted[arm]))} of {options.count} are earthquakes; "
            f"`learn` took {taken[arm]} of {options.seeds} networks"
            for arm in arms
        ),
        "",
        *table(before, arms).splitlines(),
        "",
        *verdict(before, arms),
    ]


def table(before: dict[str, Array], arms: dict[str, list[dict[str, Array]]]) -> str:
    """Precision, recall and F1 on the second half."""
    rows = []
    for name, parts in (("before", [before]), *arms.items()):
        rows.append([name] + [cell for phase in "PS" for cell in cells(added(parts)[phase])])
    header = [""] + [f"{phase} {name}" for phase in "PS" for name in ("precision", "recall", "F1")]
    return grid(header, rows)


def verdict(before: dict[str, Array], arms: dict[str, list[dict[str, Array]]]) -> list[str]:
    """What was gained, and whether the queue beats random."""
    lines = []
    for arm, parts in arms.items():
        gain = difference(before, added(parts))
        single = ", ".join(f"{difference(before, part)[0]:+.3f}" for part in parts)
        lines.append(f"{arm} gains {gain[0]:+.3f} ({gain[1]:+.3f} to {gain[2]:+.3f}) in F1 of P and S; seeds: {single}")
    value, low, high = difference(added(arms["random"]), added(arms["queue"]))
    if low > 0:
        outcome = "the queue beats random"
    elif high < 0:
        outcome = "random beats the queue"
    else:
        outcome = "the queue does not beat random, nor random the queue"
    return [*lines, f"queue minus random: {value:+.3f} ({low:+.3f} to {high:+.3f}): {outcome}"]


if __name__ == "__main__":
    main()

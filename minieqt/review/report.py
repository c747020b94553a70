"""How often the network errs, from the sample that was drawn at random: precision, recall, residuals, with intervals.

The sample has two parts, detections and quiet minutes. A pick of a sampled detection is right if the detection was
accepted and the pick stands within the tolerance of where the network had put it; it is wrong otherwise. An arrival is
missed if a person added it: to a sampled detection, or in a sampled quiet minute. Each part stands for all of its kind:

    precision = right / (right + wrong)
    recall    = R / (R + M)
    R = right · all detections / those looked at
    M = missed in detections · all detections / those looked at + missed in minutes · all minutes / those looked at

Only the part of each draw before the first item that nobody has judged counts, so that it stays random. The unsure
count as judged, and are left out of the measures. Intervals (95 %): Wilson's for precision; for recall the worst
combination of Wilson's bounds for R and Garwood's (1936) for the counts in M, which is rather too wide; the bootstrap
for residuals.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import chi2

from minieqt.evaluation.bootstrap import quantiles
from minieqt.evaluation.figures import wilson
from minieqt.files import write_text
from minieqt.records.span import SECOND
from minieqt.review.journal import Journal
from minieqt.review.queue import TOLERANCE, Item, Sample
from minieqt.review.state import Reviewed, found_times

Bounds = tuple[float, float]
RESAMPLES = 1000


def error_report(states: Mapping[str, Reviewed], sample: Sample, journal: Journal, seed: int = 0) -> dict[str, Any]:
    """What the sample says so far; a measure is None where nothing judged bears on it."""
    drawn = (states[key] for key in sample.detections)
    detections = list(takewhile(lambda state: state.verdict is not None, drawn))
    verdicts = ((item, journal.value(item.key, "verdict")) for item in sample.minutes)
    looked = list(takewhile(lambda pair: pair[1] is not None, verdicts))
    minutes = [item for item, verdict in looked if verdict == "accepted"]
    sure = [state for state in detections if state.verdict != "unsure"]
    report: dict[str, Any] = {
        "tolerance_s": TOLERANCE,
        "detections": {"drawn": len(sample.detections), "judged": len(detections), "all": sample.all_detections},
        "minutes": {"drawn": len(sample.minutes), "judged": len(looked), "all": sample.all_minutes},
        "unsure": len(detections) - len(sure) + len(looked) - len(minutes),
    }
    accepted = sum(state.verdict == "accepted" for state in sure)
    report["detection"] = {"right": accepted, "wrong": len(sure) - accepted, "precision": share(accepted, len(sure))}
    for phase in "PS":
        report[phase] = of_phase(phase, states, sample, sure, minutes, seed)
    return report


def of_phase(
    phase: str,
    states: Mapping[str, Reviewed],
    sample: Sample,
    sure: list[Reviewed],
    minutes: list[Item],
    seed: int,
) -> dict[str, Any]:
    """Counts, precision, recall and residuals (the network's pick minus the person's) of P or S."""
    right, wrong, missed = 0, 0, 0
    residuals = []
    for state in sure:
        ours, theirs = found_times(state.found).get(phase), state.times().get(phase)
        theirs = theirs if state.verdict == "accepted" else None
        apart = None if ours is None or theirs is None else (ours - theirs) / SECOND
        good = apart is not None and abs(apart) <= TOLERANCE
        right += good
        wrong += ours is not None and not good
        missed += theirs is not None and not good
        if apart is not None and good:
            residuals.append(apart)
    in_minutes = sum(missed_in(item, phase, states) for item in minutes)
    scale = sample.all_detections / max(len(sure), 1)
    minute_scale = sample.all_minutes / max(len(minutes), 1)
    complete = bool(sure) and (bool(minutes) or not sample.all_minutes)
    recall: dict[str, Any] | None = None
    if complete and right + missed + in_minutes:
        low, high = wilson(right, len(sure))
        few, many = garwood(missed)
        few_quiet, many_quiet = garwood(in_minutes) if minutes else (0.0, 0.0)
        M = missed * scale + in_minutes * minute_scale
        R = right * scale
        R_low, R_high = low * sample.all_detections, high * sample.all_detections
        worst = many * scale + many_quiet * minute_scale
        best = few * scale + few_quiet * minute_scale
        recall = {"value": R / (R + M), "interval": [R_low / (R_low + worst), R_high / (R_high + best)]}
    return {
        "right": right,
        "wrong": wrong,
        "missed_in_detections": missed,
        "missed_in_minutes": in_minutes,
        "precision": share(right, right + wrong),
        "recall": recall,
        "residual_s": residual_report(np.array(residuals), seed),
    }


def missed_in(item: Item, phase: str, states: Mapping[str, Reviewed]) -> int:
    """Arrivals that a person added in a quiet minute."""
    at = item.instrument
    return sum(
        item.start <= time < item.end
        for state in states.values()
        if (state.instrument.network, state.instrument.station) == (at.network, at.station)
        and state.found is None
        and state.verdict == "accepted"
        for name, time in state.times().items()
        if name == phase
    )


def share(right: int, total: int) -> dict[str, Any] | None:
    """A share and its interval; None of nothing."""
    return {"value": right / total, "interval": list(wilson(right, total))} if total else None


def garwood(count: int) -> Bounds:
    """The exact 95 % interval of a Poisson variable's mean, of which `count` was seen."""
    low = float(chi2.ppf(0.025, 2 * count) / 2) if count else 0.0
    return low, float(chi2.ppf(0.975, 2 * count + 2) / 2)


def residual_report(residuals: np.ndarray, seed: int) -> dict[str, Any] | None:
    """Mean, deviation and mean absolute value in seconds, with intervals; None without any."""
    if not len(residuals):
        return None
    rng = np.random.default_rng(seed)
    drawn = residuals[rng.integers(0, len(residuals), (RESAMPLES, len(residuals)))]
    found = {}
    for name, of, values in (
        ("mean", residuals.mean(), drawn.mean(axis=1)),
        ("std", residuals.std(), drawn.std(axis=1)),
        ("mae", np.abs(residuals).mean(), np.abs(drawn).mean(axis=1)),
    ):
        found[name] = {"value": float(of), "interval": list(quantiles(values, 0.025, 0.975))}
    return found


def describe(report: dict[str, Any]) -> str:
    """The report in a few lines."""

    def told(of: dict[str, Any] | None) -> str:
        if of is None:
            return "not known yet"
        low, high = of["interval"]
        return f"{of['value']:.3f} ({low:.3f} to {high:.3f})"

    detections, minutes = report["detections"], report["minutes"]
    lines = [
        f"sample: {detections['judged']} of {detections['drawn']} detections judged (of {detections['all']} in all), "
        f"{minutes['judged']} of {minutes['drawn']} quiet minutes (of {minutes['all']}), {report['unsure']} unsure",
        f"detection: precision {told(report['detection']['precision'])}",
    ]
    for phase in "PS":
        of = report[phase]
        residual = of["residual_s"]
        mae = "" if residual is None else f", mean absolute residual {told(residual['mae'])} s"
        lines.append(f"{phase}: precision {told(of['precision'])}, recall {told(of['recall'])}{mae}")
    return "\n".join([*lines, "95 % intervals in brackets"])


def write_report(path: Path, report: dict[str, Any]) -> None:
    """As JSON."""
    write_text(path, json.dumps(report, indent=1) + "\n")

"""Why minieqt and SeisBench differ on one record with the same weights: their differences, removed one by one.

    python benchmarks/agreement.py RECORD.mseed WEIGHTS.pt      under a minute; writes benchmarks/results/agreement.txt

Both run the same network with the same band-pass, windows that overlap by half, five blinded seconds at their edges and
the mean where they overlap. What is left differs in three places: SeisBench's windows begin with the record, minieqt's
at whole multiples of their step since 1970; SeisBench tapers the first and the last six samples of a window; and a
detection of SeisBench's goes on until the probability falls below half its threshold, a published one until it falls
below the threshold: detections are counted by either rule. Probabilities are compared without the record's first and
last window, where the filters begin and end differently.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import obspy
from machine import describe, publish

from minieqt import annotate, load_weights
from minieqt.data.normalise import normalise
from minieqt.inference.peaks import DETECTION_THRESHOLD, detection_runs
from minieqt.model import EQTransformer
from minieqt.picking import probabilities as stacking

Array = Any

RESULTS = Path(__file__).parent / "results" / "agreement.txt"
BLIND = 500  # samples
NAMES = {"DET": "Detection", "P": "P", "S": "S"}


def seisbench_probabilities(stream: obspy.Stream, weights: Path) -> dict[str, Array]:
    """SeisBench's {detection, P, S: (N,)}; the first sample is the record's 501st."""
    import seisbench.models as models
    import torch

    corners = {"freqmin": 1.0, "freqmax": 45.0, "corners": 2, "zerophase": True}
    model = models.EQTransformer(filter_args=["bandpass"], filter_kwargs=corners)
    model.load_state_dict(torch.load(weights, weights_only=True))
    model.eval()
    found = model.annotate(stream.copy(), overlap=3000, blinding=(BLIND, BLIND), stacking="avg")
    return {name: found.select(channel=f"*_{theirs}")[0].data for name, theirs in NAMES.items()}


def probabilities(stream: obspy.Stream, model: EQTransformer) -> dict[str, Array]:
    """minieqt's probabilities, with the same settings, from the record's first sample on."""
    found = annotate(stream, model, overlap=0.5, blind=BLIND, stack="mean", band=(1.0, 45.0))
    return {name: found.select(channel=name)[0].data for name in NAMES}


def windows_from_start(segment: Any, length: int, step: int) -> list[int]:
    """SeisBench's places of windows, to replace `minieqt.picking.probabilities.window_starts`."""
    last = segment.x.shape[1] - length
    return sorted({*range(0, last + 1, step), last})


def normalise_and_taper(x: Array, how: str) -> Array:
    """Our `normalise`, then SeisBench's taper."""
    y = normalise(x, how)
    taper = 0.5 * (1 + np.cos(np.linspace(np.pi, 2 * np.pi, 6, dtype=np.float32)))
    y[..., :6] *= taper
    y[..., -6:] *= taper[::-1]
    return y


@contextmanager
def like_seisbench(place: bool = True, taper: bool = True) -> Iterator[None]:
    """minieqt with SeisBench's windows, or its taper."""
    with (
        mock.patch.object(stacking, "window_starts", windows_from_start if place else stacking.window_starts),
        mock.patch.object(stacking, "normalise", normalise_and_taper if taper else normalise),
    ):
        yield


def differences(ours: dict[str, Array], theirs: dict[str, Array], length: int) -> dict[str, Array]:
    """{name: |difference|} of the probabilities, without the record's first and last window."""
    inner = np.s_[length - BLIND : BLIND - length]
    return {name: np.abs(ours[name][BLIND:][: len(theirs[name])] - theirs[name])[inner] for name in NAMES}


def triggers(detection: Array) -> int:
    """The number of detections by SeisBench's rule: on at the threshold, off at half of it."""
    from obspy.signal.trigger import trigger_onset

    return len(trigger_onset(np.nan_to_num(detection), DETECTION_THRESHOLD, DETECTION_THRESHOLD / 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    stream, model = obspy.read(options.record), load_weights(options.weights)
    theirs = seisbench_probabilities(stream, options.weights)
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("minieqt", lambda: like_seisbench(place=False, taper=False)),
        ("+ windows from the record's start", lambda: like_seisbench(taper=False)),
        ("+ taper of six samples", like_seisbench),
    ]
    lines = [
        describe("minieqt", "numba", "seisbench", "torch", "obspy"),
        f"{options.record.name}, {options.weights.name}, overlap 0.5, blinding {BLIND}, mean where windows overlap",
        "",
        f"{'':<36}{'difference from SeisBench: median (largest)':<60}{'detection':>10}{'detections by rule of':>28}",
        f"{'':<36}{'detection':<20}{'P':<20}{'S':<20}{'≥ 0.3':>10}{'EQTransformer':>14}{'SeisBench':>14}",
    ]

    def row(name: str, found: dict[str, Array], apart: dict[str, Array] | None) -> str:
        text = {key: f"{np.median(d):.1e} ({d.max():.1e})" for key, d in (apart or {}).items()}
        above = np.nanmean(found["DET"] >= DETECTION_THRESHOLD)
        cells = "".join(f"{text.get(key, ''):<20}" for key in NAMES)
        return f"{name:<36}{cells}{above:>10.1%}{len(detection_runs(found['DET'])):>14}{triggers(found['DET']):>14}"

    for name, change in steps:
        with change():
            ours = probabilities(stream, model)
        lines.append(row(name, ours, differences(ours, theirs, model.length)))
    lines.append(row("SeisBench", theirs, None))
    publish(lines, options.out)


if __name__ == "__main__":
    main()

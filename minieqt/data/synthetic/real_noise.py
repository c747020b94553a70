"""Real noise as a background: some hundred recorded minutes, varied at every use.

A use rotates the horizontals, moves the minute in time (its ends fade into each other), flips signs and may add a
second minute; or takes only the amplitude spectra of two minutes, mixed, for new noise of that spectrum.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import uniform_filter1d

from minieqt.data.open import open_dataset
from minieqt.data.synthetic.station import FREQUENCY
from minieqt.data.table import COMPONENTS, RATE, SAMPLES, BadTrace
from minieqt.errors import UserError, counted

Array = Any

FADE = 200  # samples in which a minute's end becomes its start
SMOOTH = 15  # frequencies over which a spectrum is averaged
MOST = 2000  # minutes that are used: every process that makes windows holds them in memory, 110 kB each
LONGEST_STILL = 200  # samples in a row that may be equal


@dataclass(frozen=True)
class RealNoise:
    """Minutes of deviation 1 above 1 Hz (on average over the components), and their smoothed amplitude spectra in the
    units of white noise of deviation 1."""

    minutes: Array  # (N, 3, 6000) float32
    spectra: Array  # (N, 3, frequencies) float32
    left_out: Counter[str]  # {reason: minutes}

    def minute(self, rng: np.random.Generator) -> Array:
        """(3, 6000) float32 of deviation about 1 above 1 Hz."""
        x = self._moved(rng)
        if rng.random() < 0.4:
            share = np.float32(rng.uniform(0.0, 0.8))
            x = np.sqrt(1 - share**2) * x + share * self._moved(rng)
        return x

    def shape(self, rng: np.random.Generator) -> Array:
        """(3, frequencies) float32: white noise times this has a spectrum between those of two minutes."""
        one, other = self.spectra[rng.integers(len(self.spectra), size=2)]
        share = np.float32(rng.random())
        return share * one + (1 - share) * other[rng.permutation(COMPONENTS)]

    def _moved(self, rng: np.random.Generator) -> Array:
        x = self.minutes[rng.integers(len(self.minutes))]
        at = int(rng.integers(SAMPLES))
        moved = np.empty_like(x)
        moved[:, : SAMPLES - at], moved[:, SAMPLES - at :] = x[:, at:], x[:, :at]
        angle, flip = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        east, north = moved[0], moved[1]
        return np.stack([cos * east + sin * north, cos * north - sin * east, np.float32(flip) * moved[2]])


@cache
def read_noise(paths: tuple[Path, ...]) -> RealNoise:
    """The noise windows of data sets in any layout that can be read; of more than MOST, an evenly spaced selection.
    UserError if there are none."""
    kept, left_out = [], Counter[str]()
    with open_dataset(paths) as dataset:
        noise = np.flatnonzero(~dataset.table.earthquake)
        used = noise[:: max(1, -(-len(noise) // MOST))]
        left_out[f"more than {MOST:,} are not needed"] = len(noise) - len(used)
        for row in used.tolist():
            try:
                x = dataset.read(row).astype(np.float32)
            except BadTrace as trace:
                left_out[trace.reason] += 1
                continue
            if _whole(x):
                kept.append(x)
            else:
                left_out["a dead component or a gap"] += 1
    left_out = +left_out
    if not kept:
        why = counted(left_out) or "there are none"
        raise UserError(f"{', '.join(map(str, paths))}: no noise windows to use, {why}")
    return make_noise(np.stack(kept), left_out)


def make_noise(x: Array, left_out: Counter[str]) -> RealNoise:
    """x (N, 3, 6000), in any unit."""
    x = x - x.mean(axis=-1, keepdims=True)
    ramp = np.linspace(0, 1, FADE, dtype=np.float32)
    # The end fades into what came before the start, so that the minute can be moved around in a ring.
    x[..., -FADE:] = np.sqrt(1 - ramp) * x[..., -FADE:] + np.sqrt(ramp) * x[..., FADE - 1 :: -1][..., -FADE:]
    power = np.square(np.abs(rfft(x))) / np.float32(SAMPLES)  # a white deviation of 1 is 1 at every frequency
    fast = np.fft.rfftfreq(SAMPLES, 1 / RATE) > 1
    level = np.sqrt(2 * power[..., fast].sum(axis=-1).mean(axis=-1) / SAMPLES).astype(np.float32)[:, None, None]
    smooth = np.sqrt(uniform_filter1d(power, SMOOTH)) / level
    places = np.linspace(0, smooth.shape[-1] - 1, len(FREQUENCY))
    first = np.minimum(places.astype(int), smooth.shape[-1] - 2)
    part = (places - first).astype(np.float32)
    spectra = (1 - part) * smooth[..., first] + part * smooth[..., first + 1]
    return RealNoise((x / level).astype(np.float32), spectra.astype(np.float32), left_out)


def _whole(x: Array) -> bool:
    """No component is dead or stands still for two seconds."""
    if not np.isfinite(x).all() or not x.std(axis=-1).all():
        return False
    still = np.diff(x, axis=-1) == 0
    ran = np.lib.stride_tricks.sliding_window_view(still, LONGEST_STILL, axis=-1).all(axis=-1)
    return not ran.any()

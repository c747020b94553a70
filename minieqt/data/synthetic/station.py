"""Stations: the site, the instrument, and how loud it is there.

A site's sediments delay waves, weaken high frequencies and cause echoes. Instruments are broadband, short-period,
geophones of 4.5 Hz, or accelerometers of low gain; some were sampled so slowly that nothing above 8 to 22 Hz is
left, some so fast that everything up to 50 Hz is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minieqt.data.table import COMPONENTS, RATE

Array = Any

PADDED = 6480  # samples of the Fourier transforms: 4.8 s behind the window take what would wrap around
FREQUENCY = np.fft.rfftfreq(PADDED, 1 / RATE).astype(np.float32)
I_FREQUENCY = (1j * FREQUENCY).astype(np.complex64)
LOG_FREQUENCY = np.log(np.maximum(FREQUENCY, 0.02)).astype(np.float32)
# How often an instrument is of a kind, and what its records were sampled at.
KINDS = {"HH": 0.4, "EH": 0.27, "BH": 0.13, "HN": 0.2}
RATES = {20: 0.03, 40: 0.17, 50: 0.13, 100: 0.47, 200: 0.2}


@dataclass(frozen=True)
class Station:
    """A site and its instrument. Their spectra are made on first use, from a seed of their own."""

    code: str
    kind: str  # HH and BH broadband, EH short-period, HN accelerometer
    latitude: float
    longitude: float
    elevation_m: float
    softness: float  # of the site: 0 on rock, 1 on thick sediments
    kappa_s: float  # attenuation below the site
    amplification: float
    scatter: float  # how much of it there is below the site, 1 on average
    gain: float  # counts per m/s, of an accelerometer per m/s²
    noise_level: float  # deviation of the background above 1 Hz, counts
    whole_counts: bool  # the recording keeps the digitiser's steps; others were filtered and tapered
    seed: int

    @property
    def accelerometer(self) -> bool:
        return self.kind == "HN"

    @property
    def delay_s(self) -> float:
        """The delay of P in the sediments."""
        return 0.4 * self.softness**2

    @cached_property
    def instrument(self) -> Array:
        """(frequencies,) complex64: velocity to counts, over gain."""
        return _instrument(np.random.default_rng([self.seed, 0]), self.kind)

    @cached_property
    def response(self) -> Array:
        """(3, frequencies) complex64: the instrument's, and the site's echoes."""
        return self.instrument * _echoes(np.random.default_rng([self.seed, 1]), self.softness)

    @cached_property
    def noise(self) -> Array:
        """(3, frequencies) float32, counts: white noise times this is the background."""
        noise = _noise_shape(np.random.default_rng([self.seed, 2]), self.kind) * np.abs(self.instrument)
        fast = noise[:, FREQUENCY > 1]
        return noise * (self.noise_level / np.sqrt(2 * np.square(fast).sum(axis=1, keepdims=True) / PADDED))


def make_station(rng: np.random.Generator, code: str, latitude: float, longitude: float) -> Station:
    """A station with an instrument and surroundings of its own."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    softness = rng.uniform()
    gain, quiet, loud = (rng.uniform(5.0, 6.3), -5.6, -3.5) if kind == "HN" else (rng.uniform(8.0, 9.3), -8.3, -5.9)
    return Station(
        code=code,
        kind=kind,
        latitude=latitude,
        longitude=longitude,
        elevation_m=float(rng.integers(0, 2500)),
        softness=softness,
        kappa_s=10 ** rng.uniform(-3.0, -1.5),
        amplification=rng.lognormal(0.5 * softness, 0.5),
        scatter=rng.lognormal(0.3 * softness, 0.4),
        gain=10**gain,
        noise_level=10 ** (gain + rng.uniform(quiet, loud)) + 0.3,
        whole_counts=bool(rng.random() < 0.6),
        seed=int(rng.integers(2**62)),
    )


def _instrument(rng: np.random.Generator, kind: str) -> Array:
    """A damped pendulum, (if)² / ((if)² + 2h if f0 + f0²); an accelerometer also differentiates; for one in six a
    band-pass; and a zero-phase cut below half the sampling rate."""
    rate = 40.0 if kind == "BH" else float(rng.choice(list(RATES), p=list(RATES.values())))
    if kind == "EH":
        corner = rng.uniform(0.7, 2.0) if rng.random() < 0.7 else 4.5
    else:
        corner = float(rng.choice([0.01, 0.03, 0.1, 0.5, 1.0]))
    f = I_FREQUENCY
    response = f**2 / (f**2 + 2 * rng.uniform(0.5, 0.9) * corner * f + corner**2)
    if kind == "HN":
        response *= 2 * np.pi * f
    if rng.random() < 0.17:
        low, high = rng.uniform(0.5, 2.5), rng.uniform(10.0, 30.0)
        response *= f**2 / (f**2 + 1.4 * low * f + low**2) * high**2 / (f**2 + 1.4 * high * f + high**2)
    top, width = min(rate * rng.uniform(0.4, 0.5), 50.0), rng.uniform(0.05, 0.25)
    cut = np.clip((top - FREQUENCY) / (width * top), 0, 1)
    return (response * np.sin(np.pi / 2 * cut) ** 2).astype(np.complex64)


def _echoes(rng: np.random.Generator, soft: float) -> Array:
    """Waves that run up and down in the sediments: 1 / (1 + r exp(−2πif τ)) for S on the horizontal components and for
    P on the vertical one, (3, frequencies)."""
    strength, period = soft * rng.uniform(0.0, 0.7), 10 ** rng.uniform(-1.2, 0.2)
    late = _delay(period)
    horizontal = (1 + strength) / (1 + strength * late)
    weak = 0.5 * strength
    vertical = (1 + weak) / (1 + weak * _delay(period / rng.uniform(1.8, 4.0)))
    return np.stack([horizontal, horizontal, vertical])


def _delay(period: float) -> Array:
    """exp(−2πif τ), (frequencies,) complex64: of k = 64 m + n the product of those of 64 m and n, as complex
    exponentials are slow."""
    turn = -2j * np.pi * period * RATE / PADDED
    coarse = np.exp(64 * turn * np.arange(-(-len(FREQUENCY) // 64)))
    fine = np.exp(turn * np.arange(64))
    return np.outer(coarse, fine).astype(np.complex64).ravel()[: len(FREQUENCY)]


def _noise_shape(rng: np.random.Generator, kind: str) -> Array:
    """Amplitude spectra of ground velocity, (3, frequencies): about 1 at 1 Hz, similar on all three components, except
    that a tone may be on one only. A weak instrument adds noise of its own, white in what it measures."""

    def hump(at: float, width: float) -> Array:
        return np.exp(-np.square((LOG_FREQUENCY - np.float32(np.log(at))) / np.float32(width)))

    shape = np.exp(np.float32(-rng.uniform(-0.3, 1.3)) * LOG_FREQUENCY) + np.float32(10 ** rng.uniform(-2.5, -0.3))
    shape += np.float32(10 ** rng.uniform(-1.5, 1.0)) * hump(rng.uniform(0.14, 0.35), 0.35)
    for _ in range(rng.integers(0, 5)):
        shape += np.float32(10 ** rng.uniform(-1.0, 0.6)) * hump(10 ** rng.uniform(0.1, 1.5), rng.uniform(0.05, 0.7))
    if kind == "HN" and rng.random() < 0.6:
        shape = 0.2 * shape / shape.max() + 1 / np.maximum(FREQUENCY, 0.1)
    shapes = shape * rng.lognormal(0.0, 0.3, (COMPONENTS, 1)).astype(np.float32)
    for component in range(COMPONENTS):
        for _ in range(rng.poisson(0.3)):
            shapes[component] += np.float32(10 ** rng.uniform(0.0, 1.2)) * hump(rng.uniform(1.5, 35.0), 0.005)
    return shapes

"""Synthetic stations: the site, the instrument, and what they record when there is no earthquake.

The background is coloured noise, f^−a with the microseism's peak near 0.2 Hz, a hump of traffic and machines between
2 and 20 Hz and pure tones, through the instrument's response, swelling and fading within the minute. Disturbances
are what a picker must learn to leave alone: spikes, steps, ringing, bursts, thumps, long waves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.data.table import COMPONENTS, SAMPLES

Array = Any

RATE = 100.0  # Hz
PADDED = 6480  # samples of the Fourier transforms: 4.8 s behind the window take what would wrap around
FREQUENCY = np.fft.rfftfreq(PADDED, 1 / RATE).astype(np.float32)
TIME = np.arange(SAMPLES, dtype=np.float32) / np.float32(RATE)  # s


@dataclass(frozen=True)
class Station:
    """A site and its instrument."""

    code: str
    kind: str  # HH and BH broadband, EH short-period; BH was sampled at 40 Hz and holds nothing above 18 Hz
    latitude: float
    longitude: float
    elevation_m: float
    delay_s: float  # of P through the sediments
    kappa_s: float  # attenuation below the site
    amplification: float
    gain: float  # counts per m/s
    response: Array  # (frequencies,) complex64: velocity to counts, over gain
    noise: Array  # (3, frequencies) float32, counts: white noise times this is the background
    noise_level: float  # deviation of the background above 1 Hz, counts
    whole_counts: bool  # the recording keeps the digitiser's steps; others were filtered and tapered


def make_station(rng: np.random.Generator, code: str, latitude: float, longitude: float) -> Station:
    """A station with an instrument and surroundings of its own."""
    kind = str(rng.choice(["HH", "EH", "BH"], p=[0.5, 0.3, 0.2]))
    corner = rng.uniform(0.7, 1.5) if kind == "EH" else rng.choice([0.03, 0.5, 0.7, 1.0])
    gain = 10 ** rng.uniform(8.3, 9.1)
    noise_level = gain * 10 ** rng.uniform(-7.7, -6.1)
    response = _response(corner, 18.0 if kind == "BH" else 48.0)
    noise = _noise_shape(rng) * np.abs(response)
    fast = FREQUENCY > 1
    noise *= noise_level / np.sqrt(2 * np.square(noise[:, fast]).sum(axis=1, keepdims=True) / PADDED)
    return Station(
        code=code,
        kind=kind,
        latitude=latitude,
        longitude=longitude,
        elevation_m=float(rng.integers(0, 2500)),
        delay_s=rng.uniform(0.0, 0.4),
        kappa_s=rng.uniform(0.01, 0.05),
        amplification=rng.lognormal(0.0, 0.5),
        gain=gain,
        response=response,
        noise=noise.astype(np.float32),
        noise_level=noise_level,
        whole_counts=bool(rng.random() < 0.5),
    )


def _response(corner: float, top: float) -> Array:
    """A damped pendulum, (if)² / ((if)² + 1.4 if f0 + f0²), and a zero-phase cut over the last 15 % below `top`."""
    f = 1j * FREQUENCY
    pendulum = f**2 / (f**2 + 1.4 * corner * f + corner**2)
    cut = np.clip((top - FREQUENCY) / (0.15 * top), 0, 1)
    return (pendulum * np.sin(np.pi / 2 * cut) ** 2).astype(np.complex64)


def _noise_shape(rng: np.random.Generator) -> Array:
    """Amplitude spectra of ground velocity, (3, frequencies): about 1 at 1 Hz, alike on all three components, but
    that a tone may be heard on one only."""

    def hump(at: float, width: float) -> Array:
        return np.exp(-((np.log(f / at) / width) ** 2))

    f = np.maximum(FREQUENCY, 0.02)
    shape = f ** -rng.uniform(0.2, 1.2) + 10 ** rng.uniform(-2.5, -0.5)
    shape += 10 ** rng.uniform(0.0, 1.6) * hump(rng.uniform(0.14, 0.3), 0.35)
    for _ in range(rng.integers(1, 4)):
        shape += 10 ** rng.uniform(-1.0, 0.3) * hump(10 ** rng.uniform(0.3, 1.4), rng.uniform(0.1, 0.6))
    shapes = shape * rng.lognormal(0.0, 0.2, (COMPONENTS, 1))
    for component in range(COMPONENTS):
        for _ in range(rng.poisson(0.3)):
            shapes[component] += 10 ** rng.uniform(0.0, 1.2) * hump(rng.uniform(1.5, 35.0), 0.005)
    return shapes


def white_spectrum(rng: np.random.Generator, count: int) -> Array:
    """Spectra of white noise of deviation 1, (count, frequencies) complex64; evenly distributed real and imaginary
    parts, as thousands of them make any seismogram normal and they are quick to draw."""
    parts = rng.random((count, len(FREQUENCY), 2), np.float32)
    parts -= np.float32(0.5)
    parts *= np.float32(np.sqrt(6 * PADDED))
    return parts.view(np.complex64)[..., 0]


def background(rng: np.random.Generator, station: Station) -> Array:
    """(3, 6000) float32 counts: a minute of noise at the station."""
    x = np.fft.irfft(station.noise * white_spectrum(rng, COMPONENTS), PADDED)[:, :SAMPLES]
    knots = rng.normal(0.0, rng.uniform(0.05, 0.4), int(rng.integers(4, 40)))
    swell = np.exp(np.interp(TIME, np.linspace(0, TIME[-1], len(knots)), knots))
    return x * swell.astype(np.float32) * np.float32(rng.lognormal(0.0, 0.3))


def disturb(rng: np.random.Generator, x: Array, level: float) -> Array:
    """Add one disturbance, of any kind, to a window (3, 6000); `level` is the deviation of its noise in counts."""
    kind = DISTURBANCES[rng.integers(len(DISTURBANCES))]
    size = level * 10 ** rng.uniform(0.4, 1.9, (COMPONENTS, 1)) * (rng.random((COMPONENTS, 1)) < 0.8)
    return x + (size * rng.choice([-1, 1], (COMPONENTS, 1)) * kind(rng)).astype(np.float32)


def _spikes(rng: np.random.Generator) -> Array:
    """Single samples, or a few in a row, far out."""
    y = np.zeros(SAMPLES, np.float32)
    for at in rng.integers(0, SAMPLES - 3, rng.integers(1, 8)):
        y[at : at + rng.integers(1, 4)] = rng.uniform(0.5, 3.0)
    return y


def _step(rng: np.random.Generator) -> Array:
    """A jump that the instrument's high-pass lets decay within seconds, or not at all."""
    return _since(rng, lambda t: np.exp(-t / np.float32(10 ** rng.uniform(-0.5, 2.0))))


def _ringing(rng: np.random.Generator) -> Array:
    """A damped oscillation that starts at once, as of a calibration pulse or a loose lid."""
    frequency, decay = 10 ** rng.uniform(-0.2, 1.3), 10 ** rng.uniform(-0.5, 0.7)
    return _since(rng, lambda t: np.exp(-t / np.float32(decay)) * np.sin(np.float32(2 * np.pi * frequency) * t))


def _thump(rng: np.random.Generator) -> Array:
    """One impulsive arrival with a short coda and no second one: thunder, a footfall, a closing door."""
    decay, noise = 10 ** rng.uniform(-0.9, 0.0), _band(rng, rng.uniform(3.0, 20.0), 0.5)
    return _since(rng, lambda t: np.exp(-t / np.float32(decay))) * noise


def _steps(rng: np.random.Generator) -> Array:
    """Thumps at the pace of a walker who comes and goes."""
    pace, decay = rng.uniform(0.4, 0.8), rng.uniform(0.03, 0.1)
    phase = (TIME + np.float32(rng.uniform(0, pace))) % np.float32(pace)
    return np.exp(-phase / np.float32(decay)) * _bump(rng, 2.0, 8.0) * _band(rng, rng.uniform(5.0, 25.0), 0.5)


def _burst(rng: np.random.Generator) -> Array:
    """Narrow-band noise that swells and fades over seconds: a passing vehicle."""
    return _bump(rng, 0.5, 8.0) * _band(rng, 10 ** rng.uniform(0.2, 1.4), rng.uniform(0.05, 0.5))


def _long_waves(rng: np.random.Generator) -> Array:
    """A wave train of 4 to 20 s period: a distant earthquake's surface waves, or wind on the vault."""
    return 5 * _bump(rng, 10.0, 30.0) * np.sin(np.float32(2 * np.pi / rng.uniform(4.0, 20.0)) * TIME)


DISTURBANCES = (_spikes, _step, _ringing, _thump, _steps, _burst, _long_waves)


def _since(rng: np.random.Generator, shape: Any) -> Array:
    """shape(t) from a random moment on, zero before it."""
    t = TIME - np.float32(rng.uniform(0, TIME[-1]))
    return np.where(t < 0, np.float32(0), shape(np.maximum(t, 0)))


def _bump(rng: np.random.Generator, shortest: float, longest: float) -> Array:
    """A swelling and fading, each over its own time, around a random moment; at most 1."""
    t = TIME - np.float32(rng.uniform(0, TIME[-1]))
    rise, fall = rng.uniform(shortest, longest, 2).astype(np.float32) / 2
    return np.exp(-np.square(t / np.where(t < 0, rise, fall)))


def _band(rng: np.random.Generator, frequency: float, width: float) -> Array:
    """Noise of deviation 1 around a frequency; `width` in parts of it."""
    shape = np.exp(-np.square((FREQUENCY - np.float32(frequency)) / np.float32(width * frequency)))
    y = np.fft.irfft(shape * white_spectrum(rng, 1)[0], PADDED)[:SAMPLES]
    return y / y.std()

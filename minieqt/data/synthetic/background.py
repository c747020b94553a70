"""What a station records when there is no earthquake: coloured noise, or minutes of real noise.

Without real noise the background is f^−a with the microseism's peak near 0.2 Hz, humps of traffic and machines and pure
tones (`station`), through the instrument's response, swelling and fading within the minute. With it, three backgrounds
in four come from real minutes (`real_noise`), at the level of the station.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.fft import irfft

from minieqt.data.synthetic.real_noise import RealNoise
from minieqt.data.synthetic.station import FREQUENCY, PADDED, Station
from minieqt.data.table import COMPONENTS, RATE, SAMPLES

Array = Any

TIME = np.arange(SAMPLES, dtype=np.float32) / np.float32(RATE)  # s
POSITION = np.linspace(0, 1, SAMPLES, dtype=np.float32)


def white(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """float32 of mean 0 and deviation 1, uniform over 256 levels: filtering makes them nearly normal, and a random byte
    is quicker to draw than a normal number."""
    count = math.prod(shape)
    words = rng.bit_generator.random_raw(-(-count // 8))  # eight bytes each; rng.bytes takes four times as long
    x = words.view(np.int8)[:count].astype(np.float32)
    x += np.float32(0.5)
    x *= np.float32(np.sqrt(12 / (256**2 - 1)))
    return x.reshape(shape)


def white_spectrum(rng: np.random.Generator, count: int) -> Array:
    """Spectra of white noise of deviation 1, (count, frequencies) complex64."""
    parts = white(rng, (count, len(FREQUENCY), 2))
    parts *= np.float32(np.sqrt(PADDED / 2))
    return parts.view(np.complex64)[..., 0]


def background(rng: np.random.Generator, station: Station, real: RealNoise | None = None) -> Array:
    """(3, 6000) float32 counts: a minute of noise at the station."""
    kind = rng.random()
    if real is not None and kind < 0.45:
        return real.minute(rng) * np.float32(station.noise_level * rng.lognormal(0.0, 0.3))
    shape = station.noise
    if real is not None and kind < 0.75:
        shape = real.shape(rng) * np.float32(station.noise_level)
    spectrum = white_spectrum(rng, COMPONENTS)
    spectrum *= shape
    x = irfft(spectrum, PADDED, overwrite_x=True)[:, :SAMPLES]
    knots = rng.normal(0.0, rng.uniform(0.05, 0.4), int(rng.integers(4, 40)))
    swell = np.interp(POSITION, np.linspace(0, 1, len(knots)), knots) + rng.normal(0.0, 0.3)
    return x * np.exp(swell.astype(np.float32))

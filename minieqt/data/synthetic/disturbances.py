"""What a picker must learn to ignore: faults of the instrument, people, weather, and earthquakes far away."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import irfft
from scipy.signal import lfilter

from minieqt.data.synthetic.background import TIME, white_spectrum
from minieqt.data.synthetic.station import FREQUENCY, LOG_FREQUENCY, PADDED
from minieqt.data.table import COMPONENTS, RATE, SAMPLES

Array = Any


def disturb(rng: np.random.Generator, x: Array, level: float) -> Array:
    """Add one disturbance, of any kind, to a window (3, 6000); `level` is the deviation of its noise in counts."""
    kind = DISTURBANCES[rng.integers(len(DISTURBANCES))]
    size = level * 10 ** (rng.uniform(0.3, 1.8) + rng.uniform(-0.3, 0.3, (COMPONENTS, 1)))
    size = size * (rng.random((COMPONENTS, 1)) < 0.85) * rng.choice([-1, 1], (COMPONENTS, 1))
    return x + size.astype(np.float32) * kind(rng)


def _spikes(rng: np.random.Generator) -> Array:
    """Single samples, or a few in a row, far out."""
    y = np.zeros(SAMPLES, np.float32)
    for at in rng.integers(0, SAMPLES - 3, rng.integers(1, 8)):
        y[at : at + rng.integers(1, 4)] = rng.uniform(0.5, 3.0)
    return y


def _step(rng: np.random.Generator) -> Array:
    """A jump that decays within seconds, through the instrument's high-pass, or not at all."""
    return _since(rng, lambda t: np.exp(-t / np.float32(10 ** rng.uniform(-0.5, 2.0))))


def _ringing(rng: np.random.Generator) -> Array:
    """A damped oscillation that starts at once, as of a calibration pulse or a loose lid."""
    frequency, decay = 10 ** rng.uniform(-0.2, 1.3), 10 ** rng.uniform(-0.5, 0.7)
    return _since(rng, lambda t: np.exp(-t / np.float32(decay)) * np.sin(np.float32(2 * np.pi * frequency) * t))


def _calibration(rng: np.random.Generator) -> Array:
    """A square wave through the instrument's high-pass: equal jumps up and down at equal intervals."""
    period, decay = rng.uniform(2.0, 20.0), 10 ** rng.uniform(-0.5, 1.0)
    start, turns = rng.uniform(0, 40.0), rng.integers(1, 8)
    phase = (TIME - np.float32(start)) / np.float32(period)
    number = np.floor(phase)
    y = np.exp((number - phase) * np.float32(period / decay)) * (1 - 2 * (number % 2))
    return np.where((number >= 0) & (number < turns), y, np.float32(0))


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


def _gusts(rng: np.random.Generator) -> Array:
    """Broad-band noise in a few swells, each of its own size on every component: wind, or vehicles one by one."""
    sizes = rng.lognormal(-0.6, 0.7, (rng.integers(1, 6), COMPONENTS, 1)).astype(np.float32)
    return sum(size * _bump(rng, 0.5, 12.0) for size in sizes) * _broad_band(rng)


def _knocks(rng: np.random.Generator) -> Array:
    """Knocks of all sizes at irregular times, with a short coda each: work, hail, cattle at the fence."""
    hits, count = np.zeros((COMPONENTS, SAMPLES)), rng.integers(2, 25)
    sizes = rng.lognormal(-0.6, 0.8, count) * rng.lognormal(0, 0.3, (COMPONENTS, count))
    hits[:, rng.integers(0, SAMPLES, count)] = sizes
    decay = 10 ** rng.uniform(-1.5, -0.2)
    codas = lfilter([1.0], [1.0, -np.exp(-1 / (RATE * decay))], hits)
    return codas.astype(np.float32) * _broad_band(rng)


def _train(rng: np.random.Generator) -> Array:
    """Overtones that pass by for half a minute and sink in pitch."""
    pitch, drop = 10 ** rng.uniform(0.2, 1.0), rng.uniform(0.0, 0.15)
    middle, width = rng.uniform(0, 60.0), rng.uniform(0.5, 8.0)
    t = (TIME - np.float32(middle)) / np.float32(width)
    # The phase of a pitch that falls like −tanh t is its integral, −log cosh t.
    log_cosh = np.abs(t) + np.log1p(np.exp(-2 * np.abs(t)))
    turns = np.float32(2 * np.pi * pitch) * (TIME - np.float32(drop * width) * log_cosh)
    sizes, phases = rng.normal(size=4).astype(np.float32), rng.uniform(0, 6, 4).astype(np.float32)
    y = sum(sizes[k] * np.sin(np.float32(k + 1) * turns + phases[k]) for k in range(4))
    return _bump(rng, 5.0, 25.0) * (y + _band(rng, rng.uniform(5.0, 20.0), 0.5))


def _long_waves(rng: np.random.Generator) -> Array:
    """A wave train of 4 to 20 s period: a distant earthquake's surface waves, or wind on the vault."""
    return 5 * _bump(rng, 10.0, 30.0) * np.sin(np.float32(2 * np.pi / rng.uniform(4.0, 20.0)) * TIME)


def _far_earthquake(rng: np.random.Generator) -> Array:
    """P of an earthquake some thousand kilometres away: waves of 1 to 5 s period that swell slowly and last."""
    rise, decay = rng.uniform(0.5, 4.0), rng.uniform(5.0, 40.0)
    wave = _band(rng, rng.uniform(0.2, 0.9), 0.35)
    return wave * _since(rng, lambda t: (1 - np.exp(-t / np.float32(rise))) * np.exp(-t / np.float32(decay)))


def _blast(rng: np.random.Generator) -> Array:
    """A quarry's surface waves, whose long periods lead, and seconds later its bang through the air."""
    first, last, long = rng.uniform(0.4, 1.5), rng.uniform(1.5, 4.0), rng.uniform(2.0, 8.0)
    faster = (last - first) / (2 * long)

    def sweep(t: Array) -> Array:
        pitch = np.float32(first) + np.float32(faster) * np.minimum(t, np.float32(3 * long))
        turns = np.float32(2 * np.pi) * t * pitch
        return np.sin(turns) * np.exp(-np.square((t - np.float32(long)) / np.float32(0.5 * long)))

    waves = _since(rng, sweep)
    bang = _band(rng, rng.uniform(8.0, 20.0), 0.5) * _since(rng, lambda t: np.exp(-t / np.float32(0.3)))
    return waves + np.float32(rng.uniform(0, 1)) * bang


DISTURBANCES = (
    _spikes,
    _step,
    _ringing,
    _calibration,
    _thump,
    _steps,
    _burst,
    _train,
    _long_waves,
    _far_earthquake,
    _blast,
    # Four times as likely: real noise is full of them, and a network that was trained without them picks them.
    *4 * (_gusts,),
    *4 * (_knocks,),
)


def _since(rng: np.random.Generator, shape: Any) -> Array:
    """shape(t) from a random moment on, zero before it."""
    t = TIME - np.float32(rng.uniform(0, TIME[-1]))
    return np.where(t < 0, np.float32(0), shape(np.maximum(t, 0)))


def _bump(rng: np.random.Generator, shortest: float, longest: float) -> Array:
    """A swelling and fading, each over its own time, around a random moment; at most 1."""
    t = TIME - np.float32(rng.uniform(0, TIME[-1]))
    rise, fall = rng.uniform(shortest, longest, 2).astype(np.float32) / 2
    return np.exp(-np.square(t / np.where(t < 0, rise, fall)))


def _broad_band(rng: np.random.Generator) -> Array:
    """(3, 6000) noise of deviation 1 over an octave or several."""
    middle, width = np.log(10 ** rng.uniform(0.3, 1.4)), rng.uniform(0.4, 1.5)
    shape = np.exp(-np.square((LOG_FREQUENCY - np.float32(middle)) / np.float32(width)))
    y = irfft(shape * white_spectrum(rng, COMPONENTS), PADDED)[:, :SAMPLES]
    return y / y.std(axis=1, keepdims=True)


def _band(rng: np.random.Generator, frequency: float, width: float) -> Array:
    """Noise of deviation 1 around a frequency; `width` as a fraction of it."""
    shape = np.exp(-np.square((FREQUENCY - np.float32(frequency)) / np.float32(width * frequency)))
    y = irfft(shape * white_spectrum(rng, 1)[0], PADDED)[:SAMPLES]
    return y / y.std()

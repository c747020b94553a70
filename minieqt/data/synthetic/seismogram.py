"""Synthetic ground motion: what an earthquake looks like at a station.

With enough physics that plots look like record sections. A seismogram is a reflectivity (direct waves, conversions,
scattered coda) filtered by the source and the path:

    u'(f) = 100 · 2πif · M0 F S / (4πρ v³) · 1 / (1 + if/fc)² · 1 / (1 + if/a f*)ⁿ · reflectivity(f)

The path's t* is a causal low-pass of n = 2 or 3 poles whose amplitude is one half where exp(−πft*) is; every factor is
causal. The tail of the coda has travelled longer than the direct waves: it has a filter of its own, of a larger t*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import irfft, rfft

from minieqt.data.synthetic.background import white
from minieqt.data.synthetic.region import Crust
from minieqt.data.synthetic.source import corner_frequency, half_frequency, low_frequency_level
from minieqt.data.synthetic.station import FREQUENCY, PADDED, Station
from minieqt.data.table import COMPONENTS, RATE, SAMPLES

Array = Any

OMEGA = np.float32(2 * np.pi * RATE) * FREQUENCY
EVEN = FREQUENCY ** np.array([[0], [2], [4]], np.float32)  # powers of f that are real in a polynomial of if
ODD = FREQUENCY ** np.array([[1], [3], [5]], np.float32)
TIME = np.arange(SAMPLES, dtype=np.float32) / np.float32(RATE)  # s
FORGOTTEN = 12.0  # decay times after which 6e-6 of a coda is left: it ends there
POLES = {2: 1.0, 3: 1.305}  # a: where n poles halve
PULSE = 8  # every eighth frequency suffices for the pulse itself, which is over within 8 s
ONSET = 0.04  # of the direct wave's peak: where it visibly begins


@dataclass(frozen=True)
class Arrivals:
    """One earthquake as one station sees it; times in samples of the window."""

    p: float
    s: float
    distance_km: float  # from the hypocentre
    azimuth: float  # from the source to the station, radians
    incidence: float  # at the surface, from the vertical, radians
    moment: float  # Nm
    stress_drop: float  # Pa
    radiation: tuple[float, float, float]  # P, SV, SH
    head_p: float = 0.0  # size of Pn, if it is first, in parts of the direct wave
    head_s: float = 0.0
    direct_p: float = 0.0  # samples by which Pn precedes the direct wave
    direct_s: float = 0.0


def earthquake(rng: np.random.Generator, station: Station, arrivals: Arrivals, crust: Crust) -> Array:
    """The ground motion of one earthquake at a station, without noise: (3, 6000) float32, E N Z, counts.

    P and S are where the direct waves (or those along the mantle) reach 4 % of their peak.
    """
    floor = 10 ** rng.uniform(-1.3, -0.4)  # scattering fills the nodes of the radiation
    f_p, f_sv, f_sh = (float(np.copysign(np.hypot(f, floor), f)) for f in arrivals.radiation)
    inside, across = np.sin(arrivals.incidence), np.cos(arrivals.incidence)
    # radial, transverse, vertical: P pushes along the ray, S shakes across it
    polarisation = {
        "P": np.array([inside, rng.normal(0, 0.08), across]) * f_p,
        "S": np.array([across * f_sv, f_sh, -inside * f_sv]),
    }
    mean = {"P": max(abs(f_p), 0.25), "S": max(float(np.hypot(f_sv, f_sh)), 0.35)}
    scattered = {"P": rng.uniform(0.35, 0.75, 3) + (0, 0, 0.4), "S": rng.uniform(0.6, 1.1, 3) - (0, 0, 0.3)}

    reflectivity = np.zeros((3, COMPONENTS, PADDED), np.float32)  # of P, S and the tail
    kernels, coda_sizes, delays = _kernels(rng, station, arrivals, crust)
    strength = crust.scatter * station.scatter * rng.lognormal(0, 0.3)
    scatter = white(rng, (COMPONENTS, SAMPLES))
    phases = (
        ("P", arrivals.p, arrivals.head_p, arrivals.direct_p),
        ("S", arrivals.s, arrivals.head_s, arrivals.direct_s),
    )
    for number, (phase, first, head, later) in enumerate(phases):
        onset = first - delays[number]
        direct = rng.uniform(0.05, 0.4) if rng.random() < 0.1 else rng.lognormal(0.2, 0.5)  # some are weak
        waves = [(onset + later, direct * polarisation[phase])]
        size = (strength * coda_sizes[number] * mean[phase]) * scattered[phase]
        _add_coda(reflectivity[number], scatter, onset + later, size, _packet(rng, arrivals, phase))
        if head:
            waves.append((onset, head * polarisation[phase]))
            _add_coda(reflectivity[number], scatter, onset, head * size, _packet(rng, arrivals, phase))
        reflections = rng.poisson(4.0)
        late = onset + later + RATE * rng.exponential(0.005 * arrivals.distance_km + 0.1, reflections)
        sizes = rng.permuted(np.tile(polarisation[phase], (reflections, 1)), axis=1)
        sizes *= rng.uniform(-0.7, 0.7, (reflections, 1))
        waves.extend(zip(late.tolist(), sizes, strict=True))
        if phase == "S":
            waves = _split(rng, waves) + _conversions(rng, arrivals, delays[1], polarisation["S"])
        _add_spikes(reflectivity[number], waves)
    size = 10 ** rng.uniform(-1.0, -0.1) * strength * coda_sizes[2] * mean["S"] * scattered["S"]
    fade = crust.tail * rng.lognormal(0, 0.3) * (0.5 + arrivals.distance_km / 80)
    _add_coda(reflectivity[2], scatter, arrivals.s + arrivals.direct_s, size, _tail(fade))
    spectra = rfft(reflectivity)
    spectra *= kernels[:, None]
    spectrum = spectra[0] + spectra[1]
    spectrum += spectra[2]
    spectrum *= station.response
    radial, transverse, vertical = irfft(spectrum, PADDED, overwrite_x=True)[:, :SAMPLES]
    sin, cos = np.float32(np.sin(arrivals.azimuth)), np.float32(np.cos(arrivals.azimuth))
    return np.stack([radial * sin + transverse * cos, radial * cos - transverse * sin, vertical])


def _kernels(
    rng: np.random.Generator, station: Station, arrivals: Arrivals, crust: Crust
) -> tuple[Array, Array, Array]:
    """Of P, S and the tail: the spectrum of the pulse that a spike of 1 makes, in counts, (3, frequencies); the size of
    spikes, one at every sample, that together are as large as the pulse's peak, (3,); and the sample at which it
    visibly begins, (3,)."""
    poles, longer = int(rng.integers(2, 4)), 10 ** rng.uniform(0.0, 0.6)
    gain = station.gain * station.amplification
    series, levels = np.empty((3, 6)), np.empty((3, 1), np.float32)
    for i, (phase, more) in enumerate((("P", 1.0), ("S", 1.0), ("S", longer))):
        corner = corner_frequency(arrivals.moment, arrivals.stress_drop, phase)
        path = half_frequency(arrivals.distance_km, station.kappa_s, phase, crust.quality) * POLES[poles] / more
        series[i] = _denominator(float(corner), float(path), poles)
        levels[i] = gain * low_frequency_level(arrivals.moment, arrivals.distance_km, phase)
    # (1 + if/fc)² (1 + if/a f*)ⁿ is a polynomial of if: two small matrix products, where complex division is slow.
    real = (series[:, ::2] * (1, -1, 1)).astype(np.float32) @ EVEN
    imaginary = (series[:, 1::2] * (1, -1, 1)).astype(np.float32) @ ODD
    size = np.square(real)
    size += np.square(imaginary)
    np.divide(levels * OMEGA, size, out=size)
    kernels = np.empty(size.shape, np.complex64)
    np.multiply(size, imaginary, out=kernels.real)
    np.multiply(size, real, out=kernels.imag)
    pulses = np.abs(irfft(kernels[:, ::PULSE] * station.response[2, ::PULSE], PADDED // PULSE))
    peaks = pulses.max(axis=1)
    delays = (pulses[:, :100] > ONSET * peaks[:, None]).argmax(axis=1)
    return kernels, peaks / np.sqrt(np.square(pulses).sum(axis=1)), delays


def _denominator(corner: float, path: float, poles: int) -> Array:
    """Coefficients of (1 + x/corner)² (1 + x/path)^poles, from x⁰ to x⁵."""
    source = 1.0, 2 / corner, corner**-2
    series = np.zeros(6)
    for power in range(poles + 1):
        series[power : power + 3] += math.comb(poles, power) * path**-power * np.array(source)
    return series


def _packet(rng: np.random.Generator, arrivals: Arrivals, phase: str) -> Any:
    """How strong waves scattered forwards are, in parts of the direct one: they swell and fade within seconds. A
    function of the seconds after the onset, and the number of seconds after which nothing is left."""
    near = min(1.0, arrivals.distance_km / 10)
    swell = near * rng.uniform(0.02, 0.5) + rng.uniform(0.0, 0.006) * arrivals.distance_km + 0.01
    fade = near * rng.uniform(0.1, 0.7) + rng.uniform(0.01, 0.05) * arrivals.distance_km + 0.1
    fade *= 1.0 if phase == "P" else 1.3
    part = rng.uniform(0.4, 1.2)
    rest = rng.uniform(0.05, 0.5) if phase == "P" else 0.0  # P's coda lasts until S
    lasts = rng.uniform(0.4, 3.0) * (arrivals.s - arrivals.p) / RATE

    def envelope(t: Array) -> Array:
        late = np.exp(t * np.float32(-1 / fade))
        late *= np.float32(part)
        if rest:
            late += np.exp(t * np.float32(-1 / lasts)) * np.float32(rest)
        late *= 1 - np.exp(t * np.float32(-1 / swell))
        return late

    return envelope, FORGOTTEN * (max(fade, lasts) if rest else fade)


def _tail(fade: float) -> Any:
    """Waves scattered from all sides: 1 / (1 + t) · exp(−t / fade), swelling as the packet fades."""

    def envelope(t: Array) -> Array:
        return (1 - np.exp(-t)) * np.exp(t * np.float32(-1 / fade)) / (1 + t * np.float32(0.3))

    return envelope, FORGOTTEN * fade


def _add_coda(reflectivity: Array, scatter: Array, onset: float, size: Array, envelope: Any) -> None:
    """Scattered waves from an onset on. They end with the window: the filters' response to the last of them fills the
    padding, and later waves would wrap around to the window's start."""
    shape, lasts = envelope
    first = max(int(onset) + 1, 0)
    last = min(SAMPLES, first + int(RATE * lasts))
    if first < last:
        waves = scatter[:, first:last] * shape(TIME[: last - first])
        waves *= size.astype(np.float32)[:, None]
        reflectivity[:, first:last] += waves


def _split(rng: np.random.Generator, waves: list[tuple[float, Array]]) -> list[tuple[float, Array]]:
    """In cracked rock S splits into a fast and a slow wave, polarised at right angles, up to some 0.1 s apart."""
    late, fast = RATE * abs(rng.normal(0, 0.04)), rng.uniform(0, np.pi)
    along = np.array([np.cos(fast), np.sin(fast)])
    (at, wave), *others = waves
    first, second = wave.copy(), np.zeros(3)
    first[:2] = along * (along @ wave[:2])
    second[:2] = wave[:2] - first[:2]
    return [(at, first), (at + late, second), *others]


def _conversions(
    rng: np.random.Generator, arrivals: Arrivals, delay: float, polarisation: Array
) -> list[tuple[float, Array]]:
    """S that became P below the sediments and arrives before S, on the vertical component."""
    if rng.random() > 0.4:
        return []
    early = min(RATE * 10 ** rng.uniform(-1.0, 0.2), 0.5 * (arrivals.s - arrivals.p))
    size = rng.uniform(0.03, 0.4) * np.abs(polarisation).max()
    return [(arrivals.s - delay - early, size * rng.choice([-1, 1]) * np.array([rng.uniform(0.0, 0.4), 0.0, 1.0]))]


def _add_spikes(reflectivity: Array, waves: list[tuple[float, Array]]) -> None:
    """A spike between two samples is shared by both."""
    for at, size in waves:
        if 0 <= at < SAMPLES - 1:
            first = int(at)
            reflectivity[:, first] += (first + 1 - at) * size
            reflectivity[:, first + 1] += (at - first) * size

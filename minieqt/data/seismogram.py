"""Synthetic ground motion: what an earthquake, the background and a disturbance look like at a station.

Enough physics that a picture of it reads like a record section, little enough to make hundreds of windows a
second. A seismogram is a reflectivity (direct wave, a few later arrivals, scattered coda) filtered by the source
and the path:

    u'(f) = 100 · 2πif · M0 F S / (4πρ v³) · 1 / (1 + if/fc)² · 1 / (1 + if/1.3f*)³ · reflectivity(f)

Brune's source with corner fc = k v (16 Δσ / 7 M0)^(1/3) (Brune 1970; Madariaga 1976 for P), the double couple's
radiation F (Aki and Richards 2002, equations 4.89 to 4.91), geometric spreading S, and attenuation t* as the causal
low-pass whose amplitude is one half where exp(−πft*) is; every factor is causal, so nothing precedes an onset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.data.background import FREQUENCY, PADDED, RATE, Station
from minieqt.data.table import COMPONENTS, SAMPLES

Array = Any

DENSITY = 2700.0  # kg/m³
FREE_SURFACE = 2.0


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


def radiation(strike: float, dip: float, rake: float, azimuth: Array, takeoff: Array) -> tuple[Array, Array, Array]:
    """Far-field amplitudes of P, SV and SH of a double couple; angles in radians, takeoff from straight down.

    Aki and Richards 2002, equations 4.89, 4.90 and 4.91.
    """
    phi, sin, cos = azimuth - strike, np.sin, np.cos
    p = (
        cos(rake) * sin(dip) * sin(takeoff) ** 2 * sin(2 * phi)
        - cos(rake) * cos(dip) * sin(2 * takeoff) * cos(phi)
        + sin(rake) * sin(2 * dip) * (cos(takeoff) ** 2 - sin(takeoff) ** 2 * sin(phi) ** 2)
        + sin(rake) * cos(2 * dip) * sin(2 * takeoff) * sin(phi)
    )
    sv = (
        sin(rake) * cos(2 * dip) * cos(2 * takeoff) * sin(phi)
        - cos(rake) * cos(dip) * cos(2 * takeoff) * cos(phi)
        + 0.5 * cos(rake) * sin(dip) * sin(2 * takeoff) * sin(2 * phi)
        - 0.5 * sin(rake) * sin(2 * dip) * sin(2 * takeoff) * (1 + sin(phi) ** 2)
    )
    sh = (
        cos(rake) * cos(dip) * cos(takeoff) * sin(phi)
        + cos(rake) * sin(dip) * sin(takeoff) * cos(2 * phi)
        + sin(rake) * cos(2 * dip) * cos(takeoff) * cos(phi)
        - 0.5 * sin(rake) * sin(2 * dip) * sin(takeoff) * sin(2 * phi)
    )
    return p, sv, sh


def corner_frequency(moment: Array, stress_drop: Array, phase: str) -> Array:
    """Hz. Brune's k = 0.37 for S; P's corner lies 1.5 times higher."""
    return (1.5 if phase == "P" else 1.0) * 0.37 * 3500 * (16 * stress_drop / (7 * moment)) ** (1 / 3)


def half_frequency(distance_km: Array, kappa_s: Array, phase: str) -> Array:
    """f* in Hz: where exp(−πft*) is one half; t* = kappa + R / (v Q), for P half of that for S."""
    t_star = (kappa_s + distance_km / (3.5 * 450)) * (0.5 if phase == "P" else 1.0)
    return np.log(2) / (np.pi * t_star)


def spreading(distance_km: Array) -> Array:
    """1 / R up to 80 km, 1 / √R beyond, where surface-reflected waves take over; 1/m."""
    near = np.minimum(distance_km, 80.0)
    return 1e-3 / near * np.sqrt(near / np.maximum(distance_km, near))


def low_frequency_level(moment: Array, distance_km: Array, phase: str) -> Array:
    """Displacement spectrum at zero frequency for a radiation of 1, at the surface, m s."""
    speed = 6000.0 if phase == "P" else 3470.0
    return FREE_SURFACE * moment * spreading(distance_km) / (4 * np.pi * DENSITY * speed**3)


def peak_velocity(moment: Array, stress_drop: Array, distance_km: Array, kappa_s: Array) -> Array:
    """About the peak ground velocity of S on rock, m/s: what decides where an earthquake is seen."""
    period = 1 / corner_frequency(moment, stress_drop, "S") + 1 / half_frequency(distance_km, kappa_s, "S")
    return 0.5 * low_frequency_level(moment, distance_km, "S") * (2 * np.pi / period) ** 2


def earthquake(rng: np.random.Generator, station: Station, arrivals: Arrivals) -> Array:
    """The ground motion of one earthquake at a station, without noise: (3, 6000) float32, E N Z, counts."""
    inside, across = np.sin(arrivals.incidence), np.cos(arrivals.incidence)
    f_p, f_sv, f_sh = (np.copysign(np.hypot(f, 0.2), f) for f in arrivals.radiation)  # scattering fills nodes
    # radial, transverse, vertical: P pushes along the ray, S shakes across it
    polarisation = {
        "P": np.array([inside, 0.05, across]) * f_p,
        "S": np.array([across * f_sv, f_sh, -inside * f_sv]),
    }
    scattered = {
        "P": np.array([0.7, 0.6, 1.0]) * abs(f_p),
        "S": np.array([1.0, 1.0, 0.6]) * np.hypot(f_sv, f_sh),
    }
    scatter = np.sqrt(12) * (rng.random((COMPONENTS, PADDED)) - 0.5)
    spectrum = np.zeros((COMPONENTS, len(FREQUENCY)), np.complex128)
    for phase, onset in (("P", arrivals.p), ("S", arrivals.s)):
        kernel, coda_size = _kernel(station, arrivals, phase)
        envelope = coda_size * _coda_envelope(rng, onset, arrivals.distance_km, phase)
        reflectivity = scattered[phase][:, None] * envelope * scatter
        _add_spike(reflectivity, onset, polarisation[phase])
        for _ in range(rng.poisson(2.0)):  # reflections and conversions
            late = onset + RATE * rng.exponential(0.02 * arrivals.distance_km + 0.2)
            _add_spike(reflectivity, late, rng.uniform(0.2, 0.9) * rng.permutation(polarisation[phase]))
        spectrum += np.fft.rfft(reflectivity) * kernel
    radial, transverse, vertical = np.fft.irfft(spectrum, PADDED)[:, :SAMPLES]
    sin, cos = np.sin(arrivals.azimuth), np.cos(arrivals.azimuth)
    east, north = radial * sin + transverse * cos, radial * cos - transverse * sin
    return np.stack([east, north, vertical]).astype(np.float32)


def _kernel(station: Station, arrivals: Arrivals, phase: str) -> tuple[Array, float]:
    """Spectrum of the pulse that a spike of 1 makes, in counts; and the size of spikes, one at every sample, that
    together are as large as the pulse's peak."""
    fc = corner_frequency(arrivals.moment, arrivals.stress_drop, phase)
    f_star = half_frequency(arrivals.distance_km, station.kappa_s, phase)
    level = low_frequency_level(arrivals.moment, arrivals.distance_km, phase)
    source, path = 1 + 1j * FREQUENCY / fc, 1 + 1j * FREQUENCY / (1.305 * f_star)
    to_counts = 2j * np.pi * RATE * level * station.gain * station.amplification
    kernel = to_counts * FREQUENCY * station.response / (source * source * path * path * path)
    pulse = np.fft.irfft(kernel[::8], PADDED // 8)  # it is over within 8 s
    return kernel, float(np.abs(pulse).max() / np.sqrt(np.square(pulse).sum()))


def _coda_envelope(rng: np.random.Generator, onset: float, distance_km: float, phase: str) -> Array:
    """How strongly scattered waves arrive, in parts of the direct wave: a packet that swells and fades within
    seconds, and a long faint tail. (PADDED,) float32."""
    t = np.arange(PADDED, dtype=np.float32) / np.float32(RATE) - np.float32(onset / RATE)
    swell = rng.uniform(0.05, 0.3) + 0.004 * distance_km
    fade = (rng.uniform(0.4, 1.0) + 0.012 * distance_km) * (1.0 if phase == "P" else 1.3)
    tail = rng.uniform(3.0, 6.0) + 0.05 * distance_km
    packet, rest = np.float32(rng.uniform(0.3, 0.8)), np.float32(rng.uniform(0.05, 0.15))

    def decay(seconds: float) -> Array:
        return np.exp(-np.maximum(t, 0) / np.float32(seconds))

    return (1 - decay(swell)) * (packet * decay(fade) + rest * decay(tail))


def _add_spike(reflectivity: Array, at: float, size: Array) -> None:
    """A spike between two samples is shared by both."""
    first = int(at)
    part = at - first
    if first + 1 < PADDED:
        reflectivity[:, first] += (1 - part) * size
        reflectivity[:, first + 1] += part * size

"""The source and the path of a seismogram: how much of each frequency is radiated, and how much arrives.

Brune's source with corner fc = k v (16 Δσ / 7 M0)^(1/3) (Brune 1970; Madariaga 1976 for P), the double couple's
radiation (Aki and Richards 2002, equations 4.89 to 4.91), geometric spreading, and attenuation t*.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

DENSITY = 2700.0  # kg/m³
FREE_SURFACE = 2.0
QUALITY = 450.0  # of S, an average crust's


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


def half_frequency(distance_km: Array, kappa_s: Array, phase: str, quality: float = QUALITY) -> Array:
    """f* in Hz: where exp(−πft*) is one half; t* = kappa + R / (v Q), for P half of that for S."""
    t_star = (kappa_s + distance_km / (3.5 * quality)) * (0.5 if phase == "P" else 1.0)
    return np.log(2) / (np.pi * t_star)


def spreading(distance_km: Array) -> Array:
    """1 / R up to 80 km, 1 / √R beyond, where surface-reflected waves take over; 1/m."""
    near = np.minimum(distance_km, 80.0)
    return 1e-3 / near * np.sqrt(near / np.maximum(distance_km, near))


def low_frequency_level(moment: Array, distance_km: Array, phase: str) -> Array:
    """Displacement spectrum at zero frequency for a radiation of 1, at the surface, m s."""
    speed = 6000.0 if phase == "P" else 3470.0
    return FREE_SURFACE * moment * spreading(distance_km) / (4 * np.pi * DENSITY * speed**3)


def peak_motion(
    moment: Array,
    stress_drop: Array,
    distance_km: Array,
    kappa_s: Array,
    quality: float = QUALITY,
    accelerometer: Array = False,
) -> Array:
    """About the peak of S on rock, m/s, or m/s² for an accelerometer: it decides where an earthquake is seen."""
    period = 1 / corner_frequency(moment, stress_drop, "S") + 1 / half_frequency(distance_km, kappa_s, "S", quality)
    turns = 2 * np.pi / period
    return 0.5 * low_frequency_level(moment, distance_km, "S") * turns ** (2 + np.asarray(accelerometer))

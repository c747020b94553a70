"""Seismic velocities under a network: the same everywhere, or a function of depth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.errors import UserError
from minieqt.tables.missing import number

Array = Any

NAMES = {  # what a column may be called
    "depth": ("depth", "depth_km", "z", "top", "top_km"),
    "vp": ("vp", "vp_km_s", "vp_km/s", "p", "p_velocity"),
    "vs": ("vs", "vs_km_s", "vs_km/s", "s", "s_velocity"),
}
MODELS = ("iasp91", "ak135")  # of the whole Earth, as ObsPy has them
DEEPEST = 800.0  # km, of an earthquake


@dataclass(frozen=True)
class Velocities:
    """km/s at depths (km below sea level); between two depths they change linearly, a depth given twice is a jump.

    Above the first depth and below the last they are constant. A single depth means the same everywhere.
    UserError for depths that do not rise, and for velocities that no rock can have.
    """

    depth: tuple[float, ...]
    vp: tuple[float, ...]
    vs: tuple[float, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not all(np.isfinite(values).all() for values in (self.depth, self.vp, self.vs)):
            raise UserError(f"{self.name}: a depth or a velocity is no number")
        if any(lower < upper for upper, lower in zip(self.depth, self.depth[1:], strict=False)):
            raise UserError(f"{self.name}: depths must rise from row to row, from the surface down")
        for p, s in zip(self.vp, self.vs, strict=True):
            if not 0 < s < p:
                raise UserError(f"{self.name}: S must be slower than P and both above zero, got vp {p:g}, vs {s:g}")

    @property
    def constant(self) -> bool:
        """Whether they are the same everywhere."""
        return len({*zip(self.vp, self.vs, strict=True)}) == 1

    def at(self, depths: Array) -> tuple[Array, Array]:
        """vp and vs at depths (km); at a jump those below it."""
        return np.interp(depths, self.depth, self.vp), np.interp(depths, self.depth, self.vs)


def homogeneous(vp: float, vs: float) -> Velocities:
    """The same velocities (km/s) everywhere."""
    return Velocities((0.0,), (vp,), (vs,), f"{vp:g} and {vs:g} km/s")


def read_velocities(path: Path) -> Velocities:
    """A table with columns depth (km), vp and vs (km/s), or three numbers a line; without such a file one of MODELS.

    UserError for anything else.
    """
    if path.name == str(path) in MODELS and not path.exists():
        return earth_model(path.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        told = f"not a table of velocities, nor one of {', '.join(MODELS)}"
        raise UserError(f"{path}: {told} ({getattr(error, 'strerror', None) or error})") from error
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    rows = [re.split(r"\s*[,;]\s*|\s+", line) for line in lines if line]
    places = {"depth": 0, "vp": 1, "vs": 2}
    if rows and np.isnan(number(rows[0][0])):
        header = [cell.lower() for cell in rows.pop(0)]
        places = {key: header.index(name) for key, names in NAMES.items() for name in names if name in header}
    if len(places) < 3 or not rows or any(len(row) <= max(places.values()) for row in rows):
        raise UserError(f"{path}: a table of velocities has columns depth (km), vp and vs (km/s), and a row per depth")
    columns = {key: tuple(number(row[place]) for row in rows) for key, place in places.items()}
    return Velocities(columns["depth"], columns["vp"], columns["vs"], path.name)


def earth_model(name: str) -> Velocities:
    """One of MODELS, down to DEEPEST."""
    from obspy.taup import TauPyModel

    layers = TauPyModel(name).model.s_mod.v_mod.layers
    layers = layers[layers["top_depth"] < DEEPEST]

    def ends(of: str) -> tuple[float, ...]:
        return tuple(np.stack([layers[f"top_{of}"], layers[f"bot_{of}"]], axis=1).ravel().tolist())

    return Velocities(ends("depth"), ends("p_velocity"), ends("s_velocity"), name)

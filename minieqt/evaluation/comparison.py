"""Two sets of picks compared: ours, and those of analysts or of another picker.

A pick is common if the other set has one of the same phase at the same station within the tolerance, each used once;
missed if only the reference has it, additional if only we have it. Additional does not mean wrong: analysts leave small
events out. Mousavi et al. (2020) compare their picks of the Tottori 2000 aftershocks with the agency's in this way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.evaluation.matching import match_groups
from minieqt.evaluation.metrics import Residuals, ratio
from minieqt.evaluation.pick_sets import PickSet

Array = Any

TOLERANCE = 0.5  # s


@dataclass(frozen=True)
class Comparison:
    """pairs (K, 2): indices of ours and of the reference; stations by NET.STA, or by station alone where neither set
    tells the network."""

    ours: PickSet
    reference: PickSet
    tolerance: float
    pairs: Array
    our_stations: Array
    reference_stations: Array

    def residuals(self, phase: str) -> Array:
        """Ours minus the reference's of the common picks, seconds."""
        ours, theirs = self.ours.picks, self.reference.picks
        found = [(ours[i].time - theirs[j].time) / 1e9 for i, j in self.pairs.tolist() if ours[i].phase == phase]
        return np.array(found)

    def common(self) -> tuple[Array, Array]:
        """Whether each of our picks, and each of the reference's, is common."""
        mine, other = np.zeros(len(self.ours), bool), np.zeros(len(self.reference), bool)
        mine[self.pairs[:, 0]] = True
        other[self.pairs[:, 1]] = True
        return mine, other

    def used(self) -> dict[str, list[str]]:
        """{"both", "ours", "reference": stations used by both or by one only}."""
        mine, other = set(self.our_stations.tolist()), set(self.reference_stations.tolist())
        return {"both": sorted(mine & other), "ours": sorted(mine - other), "reference": sorted(other - mine)}

    def counts(self) -> list[dict[str, Any]]:
        """A row for each phase, of all stations and of those that both use: counts, shares and residuals."""
        mine, other = self.common()
        both = self.used()["both"]
        rows = []
        for which, only in (("all stations", None), ("stations of both", both)):
            ours = mine | ~mine if only is None else np.isin(self.our_stations, only)
            theirs = other | ~other if only is None else np.isin(self.reference_stations, only)
            for phase in "PS":
                here, there = ours & (self.ours.phases() == phase), theirs & (self.reference.phases() == phase)
                rows.append({"stations": which, "phase": phase} | tally(here, there, mine, other) | self.errors(phase))
        return rows

    def errors(self, phase: str) -> dict[str, float]:
        """Mean, deviation and mean absolute residual of the common picks, seconds."""
        residuals = Residuals()
        found = self.residuals(phase)
        residuals.update(found, np.ones(len(found)))
        return {name: value for name, value in residuals.report().items() if name != "mape"}

    def by_station(self) -> list[dict[str, Any]]:
        """A row for each station: counts of both phases together, those with most picks first."""
        mine, other = self.common()
        names = sorted({*self.our_stations.tolist(), *self.reference_stations.tolist()})
        rows = [
            {"station": name} | tally(self.our_stations == name, self.reference_stations == name, mine, other)
            for name in names
        ]
        return sorted(rows, key=lambda row: -(row["reference"] + row["additional"]))

    def events(self) -> dict[str, Any] | None:
        """Events of the reference and how many have a common pick; ours, and how many have none. None if the reference
        knows no events."""
        mine, other = self.common()
        theirs, ours = self.reference.events(), self.ours.events()
        if not theirs:
            return None
        found = {name for name, picks in theirs.items() if other[picks].any()}
        return {
            "reference": len(theirs),
            "found": len(found),
            "missed": len(theirs) - len(found),
            "ours": len(ours) or None,
            "additional": sum(not mine[picks].any() for picks in ours.values()) if ours else None,
            "names_found": found,
        }


def tally(ours: Array, theirs: Array, our_common: Array, their_common: Array) -> dict[str, Any]:
    """Counts of some of our picks and some of the reference's (masks)."""
    mine, other = int(np.sum(ours)), int(np.sum(theirs))
    common = int(np.sum(theirs & their_common))
    return {
        "ours": mine,
        "reference": other,
        "common": common,
        "missed": other - common,
        "additional": mine - int(np.sum(ours & our_common)),
        "found": float(ratio(common, other)),  # of the reference's, the share
    }


def compare(ours: PickSet, reference: PickSet, tolerance: float = TOLERANCE) -> Comparison:
    """Match two sets; the tolerance in seconds. A pick without a network gets that of the other set's station."""
    ours = ours.named_by(reference)
    reference = reference.named_by(ours)
    stations = ours.stations(), reference.stations()
    mine, other = (
        list(zip(names.tolist(), each.phases().tolist(), strict=True))
        for names, each in zip(stations, (ours, reference), strict=True)
    )
    since = min((pick.time for each in (ours, reference) for pick in each.picks), default=0)
    pairs = match_groups(ours.seconds(since), reference.seconds(since), mine, other, tolerance)
    return Comparison(ours, reference, tolerance, pairs, *stations)

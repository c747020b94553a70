"""Sets of picks, from whoever made them: tables of many layouts, and catalogues that ObsPy reads (see `tables`)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from obspy import UTCDateTime

from minieqt.tables.catalogue import Origin, read_picks_of
from minieqt.tables.networks import UNSAID, Networks
from minieqt.tables.picks import Onset

Array = Any


@dataclass
class PickSet:
    """Picks in order of time, the origins of those events that have one, and {reason: what was left out}."""

    name: str
    picks: list[Onset]
    origins: dict[str, Origin] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.picks.sort(key=lambda pick: (pick.time, pick.network, pick.station, pick.phase))

    def __len__(self) -> int:
        return len(self.picks)

    def seconds(self, since: int = 0) -> Array:
        """Times in seconds after `since` (nanoseconds)."""
        return np.array([(pick.time - since) / 1e9 for pick in self.picks])

    def phases(self) -> Array:
        return np.array([pick.phase for pick in self.picks], "U1")

    def stations(self) -> Array:
        """NET.STA of each pick; the station alone where its network is not known."""
        return np.array([f"{pick.network}.{pick.station}".lstrip(".") for pick in self.picks], "U32")

    def named_by(self, other: PickSet) -> PickSet:
        """The picks under the other set's networks, where they do not name theirs; which of several is not guessed."""
        networks = Networks((pick.network, pick.station) for pick in other.picks if pick.network)
        named = [networks.named(pick) for pick in self.picks]
        kept = [pick for pick in named if not networks.unsaid(pick)]
        return replace(self, picks=kept, skipped=self.skipped + Counter({UNSAID: len(named) - len(kept)}))

    def events(self) -> dict[str, list[int]]:
        """{event: its picks}, of those picks that belong to one."""
        found: dict[str, list[int]] = {}
        for i, pick in enumerate(self.picks):
            if pick.event:
                found.setdefault(pick.event, []).append(i)
        return found

    def between(self, start: UTCDateTime | None, end: UTCDateTime | None) -> PickSet:
        """The picks from `start` to before `end`; what lies outside is counted."""
        first, last = (time.ns if time is not None else None for time in (start, end))
        inside = [p for p in self.picks if (first is None or p.time >= first) and (last is None or p.time < last)]
        skipped = self.skipped + Counter({"outside the time asked for": len(self) - len(inside)})
        held = {pick.event for pick in inside}
        return PickSet(self.name, inside, {e: o for e, o in self.origins.items() if e in held}, skipped)


def read_picks(path: Path) -> PickSet:
    """A file of picks. UserError if it is none, or has no station codes."""
    found = read_picks_of(path)
    return PickSet(path.name, found.onsets, found.origins, found.skipped)

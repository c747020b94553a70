"""The networks of picks that do not name one, from a list of stations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from minieqt.tables.missing import known
from minieqt.tables.picks import Onset, Station

UNSAID = "pick of a station of several networks, and which of them is not said"


class Networks:
    """The networks of some stations (network, station).

    A pick is nameless if it has no network, or one that none of these stations has and that is also a word for nothing
    (NA, NULL).
    """

    def __init__(self, stations: Iterable[Station]):
        self._of: dict[str, list[str]] = {}
        self._names = set[str]()
        for network, station in sorted(set(stations)):
            self._of.setdefault(station, []).append(network)
            self._names.add(network)

    def named(self, onset: Onset) -> Onset:
        """A nameless pick under the network of the station of its code, where only one network has such a station."""
        choice = self._of.get(onset.station, [])
        return replace(onset, network=choice[0]) if self._nameless(onset) and len(choice) == 1 else onset

    def unsaid(self, onset: Onset) -> bool:
        """Whether a pick is nameless, and several networks have a station of its code."""
        return self._nameless(onset) and len(self._of.get(onset.station, [])) > 1

    def _nameless(self, onset: Onset) -> bool:
        return not known(onset.network) and onset.network not in self._names

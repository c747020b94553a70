"""Where a station stood at a time: the epochs of an inventory; and places on both sides of 180 degrees."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from obspy import UTCDateTime

from minieqt.errors import UserError

if TYPE_CHECKING:
    from obspy import Inventory

Array = Any

Place = tuple[float, float, float]  # latitude, longitude (degrees), elevation (m)


class Epoch(NamedTuple):
    """From `start` to `end` (nanoseconds; None: open)."""

    start: int | None
    end: int | None
    place: Place

    def holds(self, time: int) -> bool:
        return (self.start is None or self.start <= time) and (self.end is None or time < self.end)


class Coordinates(dict[tuple[str, str], list[Epoch]]):
    """{(network, station) in capitals: its epochs}."""

    def at(self, network: str, station: str, time: UTCDateTime) -> Place | None:
        """Where a station stood; None if nothing says so.

        Of epochs that overlap the latest counts. Where none holds the time, the inventory knows the station if it never
        stood anywhere else.
        """
        epochs = self.get((network.upper(), station.upper()), [])
        then = [epoch for epoch in epochs if epoch.holds(time.ns)]
        if then:
            return max(then, key=lambda epoch: epoch.start or 0).place
        places = {epoch.place for epoch in epochs}
        return places.pop() if len(places) == 1 else None


def read_inventory(path: Path) -> Inventory:
    """StationXML, or whatever else ObsPy reads as an inventory. UserError if it is none."""
    import obspy

    try:
        return obspy.read_inventory(glob.escape(str(path)))
    except Exception as error:  # ObsPy's readers raise whatever they like
        raise UserError(f"{path} is no inventory that ObsPy reads") from error


def read_coordinates(path: Path | None) -> Coordinates:
    """Where the stations of an inventory stood; none without a path. UserError as `read_inventory`."""
    found = Coordinates()
    for network in () if path is None else read_inventory(path):
        for station in network:
            start, end = station.start_date or network.start_date, station.end_date or network.end_date
            place = station.latitude, station.longitude, station.elevation
            epoch = Epoch(start and start.ns, end and end.ns, place)
            found.setdefault((network.code.upper(), station.code.upper()), []).append(epoch)
    return found


def unbroken(longitude: Array, among: Array | None = None) -> Array:
    """Longitudes (N,) without the jump at 180 degrees: 179.8 and -179.9 become 179.8 and 180.1.

    The circle is cut in the widest gap between the places; `among` (M,), at least one, are all places, if there are
    others too. Where all lie on one side of 180 degrees, every longitude stays as it is.
    """
    longitude, among = np.asarray(longitude, float), np.asarray(longitude if among is None else among, float)
    order = np.argsort(among % 360)
    turned = among[order] % 360
    gap = np.diff(turned, prepend=turned[-1] - 360)
    west = among[order[np.argmax(gap)]]
    return longitude - 360 * np.floor((longitude - west) / 360 + 1e-9)  # a rounding error at `west` is no turn

"""One FDSN service: requests are repeated after a while where it is busy, and made smaller where it asks for that.

What it does not have, or keeps for its own users, is a `Refusal` with a reason. Where the reason may pass, the next run
asks again.
"""

from __future__ import annotations

import gzip
import io
import threading
import zlib
from collections.abc import Callable
from http.client import HTTPException
from typing import TypeVar

from obspy import Inventory, UTCDateTime
from obspy.clients.fdsn import Client, RoutingClient, header

from minieqt.errors import UserError
from minieqt.fetching.plan import Task, Wanted
from minieqt.records.mseed import scan

Answer = TypeVar("Answer")

ROUTERS = ("earthscope-federator", "eida-routing")
TRIES = 5
WAIT = 2.0  # s before the second try; twice as long before each further one
SHORTEST = 600 * 10**9  # nanoseconds: what is asked for is not halved below
NO_DATA = "no data"
FINAL = {
    header.FDSNNoDataException: NO_DATA,
    header.FDSNUnauthorizedException: "not open to everyone",
    header.FDSNForbiddenException: "not open to everyone",
    header.FDSNBadRequestException: "the service calls the request bad",
    header.FDSNNotImplementedException: "the service does not know the request",
}
PASSING = (header.FDSNException, HTTPException, OSError, EOFError, zlib.error)


class Refusal(Exception):
    """Why a service gave nothing; `final` if asking again is of no use."""

    def __init__(self, reason: str, final: bool):
        super().__init__(reason)
        self.reason, self.final = reason, final


class Service:
    """A data centre by its name or address, or a router (ROUTERS). UserError if it cannot be reached.

    `token`: a file of EIDA's for restricted data. `wait(seconds)`: called between tries, returns true to give up; by
    default it waits for `stopped`.
    """

    def __init__(
        self,
        name: str,
        token: str | None = None,
        timeout: float = 120,
        wait: Callable[[float], object] | None = None,
    ):
        self.name, self.stopped = name, threading.Event()
        self._wait = wait or self.stopped.wait
        self.routed = name in ROUTERS
        try:
            if self.routed:
                credentials = {"EIDA_TOKEN": token} if token else None
                self._client = RoutingClient(name, timeout=timeout, credentials=credentials)
            else:
                # Compressed answers of miniSEED save nothing, and one that is cut off is not noticed.
                self._client = Client(
                    name, timeout=timeout, eida_token=token, use_gzip=False, service_mappings={"event": None}
                )
        except (ValueError, *PASSING) as error:
            raise UserError(f"{name} cannot be reached: {first_line(error)}") from error

    def stations(self, wanted: Wanted) -> Inventory:
        """What there is, down to channels; an empty inventory if nothing is.

        UserError if the service does not say.
        """

        def ask() -> Inventory:
            return self._client.get_stations(
                network=wanted.networks,
                station=wanted.stations,
                channel=",".join(wanted.channels),
                starttime=UTCDateTime(ns=wanted.start),
                endtime=UTCDateTime(ns=wanted.end),
                level="response" if wanted.responses else "channel",
                **wanted.region.parameters(),
            )

        try:
            return self._patiently(ask, malformed="the answer is no StationXML")
        except Refusal as refusal:
            if refusal.reason == NO_DATA:
                return Inventory(networks=[], source="minieqt")
            raise UserError(f"{self.name}: stations: {refusal.reason}") from refusal

    def waveforms(self, task: Task) -> bytes:
        """miniSEED records, as the service sent them. Refusal if there are none."""
        try:
            return self._patiently(lambda: self._ask(task), malformed="the answer is no miniSEED, or was cut off")
        except TooLarge:
            if task.end - task.start <= 2 * SHORTEST:
                raise Refusal("the service finds the smallest request too large", True) from None
        middle = (task.start + task.end) // 2
        parts = []
        for first, last in ((task.start, middle), (middle, task.end)):
            part = Task(task.network, task.station, task.channels, first, last)
            try:
                parts.append(self.waveforms(part))
            except Refusal as refusal:
                if refusal.reason != NO_DATA:  # half of the time may be a gap; all else is an error
                    raise
        if not parts:
            raise Refusal(NO_DATA, True)
        return b"".join(parts)

    def _ask(self, task: Task) -> bytes:
        times = UTCDateTime(ns=task.start), UTCDateTime(ns=task.end)
        bulk = [(task.network, task.station, location or "--", channel, *times) for location, channel in task.channels]
        into = io.BytesIO()
        if self.routed:
            stream = self._client.get_waveforms_bulk(bulk)
            if not stream:
                raise header.FDSNNoDataException("no data")
            stream.write(into, format="MSEED")
        else:
            self._client.get_waveforms_bulk(bulk, filename=into)
        data = into.getvalue()
        if not data:
            raise header.FDSNNoDataException("no data")
        found = scan(data)
        if found.rubbish or not len(found.records):
            raise EOFError
        return data

    def _patiently(self, ask: Callable[[], Answer], malformed: str) -> Answer:
        """The answer, if need be to a later try. Refusal, or TooLarge."""
        reason = ""
        for attempt in range(TRIES):
            if attempt and self._wait(WAIT * 2 ** (attempt - 1)):
                break
            try:
                return ask()
            except header.FDSNRequestTooLargeException:
                raise TooLarge from None
            except tuple(FINAL) as error:
                raise Refusal(next(told for kind, told in FINAL.items() if isinstance(error, kind)), True) from error
            except header.FDSNTimeoutException:
                reason = "the service does not answer in time"
            except (EOFError, gzip.BadGzipFile, HTTPException, zlib.error):
                reason = malformed
            except PASSING as error:
                reason = first_line(error)
            except Exception:  # ObsPy's readers raise whatever they like
                reason = malformed
        raise Refusal(f"{reason} ({TRIES} tries)", False)


class TooLarge(Exception):
    """The service wants smaller requests."""


def first_line(error: BaseException) -> str:
    """What an error says, without the pages that some servers send."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".: ")[:200]

"""A data centre of our own: fdsnws-station and fdsnws-dataselect on this machine, with faults on demand."""

from __future__ import annotations

import io
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

import numpy as np
from obspy import Stream, Trace, UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Site, Station

DAY = UTCDateTime("2019-07-04")
RATE = 20  # Hz


def station(code: str, *channels: str, network: str = "XX", until: UTCDateTime | None = None) -> Network:
    """A network of one station; channels as LOC.CHA."""
    held, place, since = [], (35.5, -117.5, 500.0), DAY - 86400 * 365
    for location, _, name in (channel.partition(".") for channel in channels):
        held.append(Channel(name, location, *place, 0.0, sample_rate=RATE, start_date=since, end_date=until))
    return Network(network, stations=[Station(code, *place, channels=held, site=Site(code))])


def records(id: str, start: UTCDateTime, end: UTCDateTime) -> bytes:
    """A channel's miniSEED, at RATE: its samples count from DAY's first."""
    samples = np.arange(round((start - DAY) * RATE), round((end - DAY) * RATE), dtype=np.int32)
    network, name, location, channel = id.split(".")
    header: dict[str, Any] = {
        "network": network,
        "station": name,
        "location": location,
        "channel": channel,
        "starttime": start,
        "sampling_rate": RATE,
    }
    into = io.BytesIO()
    Stream([Trace(samples, header)]).write(into, format="MSEED", reclen=512)
    return into.getvalue()


class Centre(ThreadingHTTPServer):
    """`faults`: a list of what the next dataselect requests get instead: a status, "cut", "nonsense", "slow"."""

    daemon_threads = True

    def __init__(self, networks: list[Network]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.inventory = Inventory(networks, source="test")
        self.faults: list[Any] = []
        self.asked: list[list[str]] = []  # of dataselect: its lines
        self.statuses: Counter[int] = Counter()
        self.none = set[str]()  # ids without data
        self.longest = float("inf")  # s of a request; more is too large
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Centre
    protocol_version = "HTTP/1.0"

    def log_message(self, *_: object) -> None:
        pass

    def say(self, status: int, content: bytes = b"", length: int | None = None) -> None:
        self.server.statuses[status] += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        if self.path.endswith("application.wadl"):
            name = f"2014-01-07_iris_{'station' if '/station/' in self.path else 'dataselect'}.wadl"
            return self.say(200, files("obspy.clients.fdsn").joinpath("tests", "data", name).read_bytes())
        if "/station/1/query" in self.path:
            if not self.server.inventory.networks:
                return self.say(204)
            into = io.BytesIO()
            self.server.inventory.write(into, format="STATIONXML")
            return self.say(200, into.getvalue())
        return self.say(404)

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        wanted = [line.split() for line in lines if "=" not in line]
        self.server.asked.append(lines)
        fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, int):
            return self.say(fault)
        if fault == "nonsense":
            return self.say(200, b"<html>busy</html>" * 100)
        content = b""
        for network, name, location, channel, start, end in wanted:
            times = UTCDateTime(start), UTCDateTime(end)
            if times[1] - times[0] > self.server.longest:
                return self.say(413)
            id = f"{network}.{name}.{location.replace('--', '')}.{channel}"
            content += b"" if id in self.server.none else records(id, *times)
        if fault == "slow":
            threading.Event().wait(3)
            return None
        if not content:
            return self.say(204)
        if fault == "cut":
            return self.say(200, content[: len(content) // 2 + 100], len(content))
        return self.say(200, content)

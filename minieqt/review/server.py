"""A server for one person: reachable from this machine only, at an address that cannot be guessed."""

from __future__ import annotations

import secrets
import socket
from typing import Any

from minieqt.errors import UserError
from minieqt.records.stations import Coordinates
from minieqt.review.desk import Review
from minieqt.review.waveforms import Waveforms

HOST = "127.0.0.1"
EXPLAIN = "explain"


def start_server(review: Review, waveforms: Waveforms, coordinates: Coordinates, port: int) -> tuple[Any, str]:
    """(Bokeh's server, started, and the address of its page). UserError if Bokeh is missing or the port is in use.

    Where the waveforms have a model, the page for looking into it is at ADDRESS/explain.

    port 0: any that is free. Requests without the address's token are refused, and so are pages of other sites.
    """
    try:
        from bokeh.application import Application
        from bokeh.application.handlers.function import FunctionHandler
        from bokeh.server.server import Server
        from bokeh.settings import settings
    except ImportError as error:
        raise UserError("review needs Bokeh: pip install 'minieqt[review]', or pip install bokeh") from error
    from minieqt.review.explain_page import ExplainPage
    from minieqt.review.page import Page

    settings.resources = "server"  # scripts come from here, whatever the environment says
    token = secrets.token_urlsafe(24)
    pages: list[Page] = []
    model = waveforms.model
    beside = "" if model is None else f"/{token}/{EXPLAIN}"

    def open_page(document: Any) -> None:
        Page(document, review, waveforms, pages, coordinates, beside)

    applications = {f"/{token}": Application(FunctionHandler(open_page))}
    if model is not None:

        def open_explain(document: Any) -> None:
            asked = document.session_context.request.arguments.get("item", [b""])[0][:9]
            place = int(asked) - 1 if asked.isdigit() else 0
            ExplainPage(document, review.queue, waveforms, model, place)

        applications[beside] = Application(FunctionHandler(open_explain))
    port = port or free_port()
    try:
        server = Server(
            applications,
            address=HOST,
            port=port,
            use_index=False,  # the index would list the address
            allow_websocket_origin=[f"{HOST}:{port}"],
        )
    except OSError as error:
        raise UserError(f"port {port} is in use or forbidden: give another --port, or 0 for any") from error
    server.start()
    return server, f"http://{HOST}:{port}/{token}"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])

"""Options of several commands: weights, what their file does not say, stations, where to compute, times, filters."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from minieqt.arguments import existing_file
from minieqt.device import DEVICES
from minieqt.errors import UserError


def add_weights_option(parser: ArgumentParser, default: str = "minieqt's own") -> None:
    """Which network: whatever minieqt.weights.open_weights takes."""
    parser.add_argument(
        "--weights",
        metavar="FILE|NAME",
        help=f"of minieqt, Keras, SeisBench, or published ones by name: python -m minieqt weights ({default})",
    )


def add_device_option(parser: Any) -> None:
    """Where the network computes."""
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="the processor, or a GPU through CuPy (cpu)")


def add_stations_option(parser: Any) -> None:
    """Where the stations stand."""
    what = "StationXML or other inventory: coordinates"
    parser.add_argument("--stations", type=existing_file, metavar="FILE", help=what)


def add_weight_options(parser: ArgumentParser) -> None:
    """Options for what a weight file does not tell."""
    weights = parser.add_argument_group("if the weight file does not tell")
    weights.add_argument("--gate", choices=("sigmoid", "hard_sigmoid"), help="of the LSTMs")
    weights.add_argument("--component-order", metavar="ENZ", help="in which the network was trained")
    weights.add_argument("--normalisation", choices=("component", "window", "peak"), help="of its windows")
    weights.add_argument("--crop", choices=("keras", "seisbench"), help="of its decoder")
    weights.add_argument("--attention-eps", type=float, metavar="X", help="beside the sum in attention")


def weight_options(options: Namespace) -> dict[str, Any]:
    """What was given of `add_weight_options`."""
    names = ("gate", "component_order", "normalisation", "crop", "attention_eps")
    return {name: getattr(options, name) for name in names}


def parse_filter(text: str) -> tuple[float, float] | None:
    """ "1-45" -> (1, 45), "none" -> None. UserError for what is no band-pass."""
    from minieqt.records.prepare import check_band

    if text == "none":
        return None
    try:
        low, high = map(float, text.split("-"))
    except ValueError:
        raise UserError(f"--filter wants two corners in Hz like 1-45, or none; got {text!r}") from None
    check_band((low, high))
    return low, high


def parse_time(text: str | None) -> Any:
    """A UTC time as ObsPy reads it, None for None. UserError for what is no time."""
    from obspy import UTCDateTime

    if text is None:
        return None
    try:
        return UTCDateTime(text)
    except (TypeError, ValueError) as error:
        raise UserError(f"{text!r} is no time such as 2022-02-06 or 2022-02-06T02:30:00") from error

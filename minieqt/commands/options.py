"""Options that several commands have: which weights, what their file does not tell, stations, where to compute."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from minieqt.arguments import existing_file
from minieqt.device import DEVICES


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

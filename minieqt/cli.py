"""python -m minieqt, or minieqt: a table of commands, each in its own file of minieqt/commands.

A command's module has a docstring (its help, examples included), `arguments(parser)` and `run(options)`, which returns
the exit code. Modules that are slow to import are imported inside `run`.
"""

from __future__ import annotations

import io
import sys
from importlib import import_module

from minieqt.arguments import Parser, guarded

COMMANDS = {
    "train": "train a network, on one machine or many",
    "synth": "write a synthetic data set in STEAD's format",
    "import": "make a data set of own records and an own catalogue",
    "inspect": "say what a data set holds and what in it looks wrong",
    "summary": "list the network's layers and count its parameters",
    "evaluate": "score a trained network against the analysts' picks",
    "explain": "draw what a network attends to in a window, and its encoder's activations",
    "compare": "compare two sets of picks: common, missed, additional, residuals",
    "fetch": "fetch continuous records and stations from data centres",
    "pick": "pick continuous records: events, P and S",
    "status": "say what pick has done so far, station by station and day by day",
    "review": "look at picks and correct them, in the browser",
    "learn": "fine-tune a network on the corrections of review",
    "associate": "make earthquakes of the picks of several stations",
    "convert": "convert weights between the layouts of minieqt, Keras and SeisBench",
    "weights": "list published weights, and fetch them by name",
}


def main(arguments: list[str] | None = None) -> int:
    """Parse the arguments, run one command, return its exit code. UserError for a user's mistake."""
    parser = Parser(
        "minieqt",
        usage="python -m minieqt COMMAND …",
        description="EQTransformer from scratch: train it, and pick with it.",
        epilog="python -m minieqt COMMAND --help explains a command and shows examples.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name, summary in COMMANDS.items():
        module = import_module(f"minieqt.commands.{name}")
        module.arguments(
            commands.add_parser(name, prog=f"python -m minieqt {name}", help=summary, description=module.__doc__)
        )
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(arguments)
    options.arguments = arguments[1:]  # for commands that start more processes of their own kind
    return import_module(f"minieqt.commands.{options.command}").run(options)


def program(arguments: list[str] | None = None) -> int:
    """`main` as a program, which reports an error in one line and without a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # as stderr does: a file's name need not be valid text
        sys.stdout.reconfigure(errors="backslashreplace")
    return guarded("minieqt", lambda: main(arguments))

"""What a command does without options is what the library does without arguments."""

from __future__ import annotations

from importlib import import_module

from minieqt.arguments import Parser
from minieqt.catalogue.associate import Limits
from minieqt.picking.probabilities import Settings


def options_of(command, *given):
    """The module of a command, and its options."""
    module = import_module(f"minieqt.commands.{command}")
    parser = Parser(command)
    module.arguments(parser)
    return module, parser.parse_args(given)


def test_pick():
    pick, options = options_of("pick")
    assert pick.settings_of(options) == Settings()


def test_associate(tmp_path):
    associate, options = options_of("associate", str(tmp_path), "--out", "found")
    assert associate.limits_of(options) == Limits()

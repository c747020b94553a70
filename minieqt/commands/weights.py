"""List the weights that minieqt knows by name, or fetch some of them and say what they are.

A NAME may stand wherever a command takes --weights, and in load_weights("NAME"): it is fetched the first time, into the
platform's folder for such things, or into the one that MINIEQT_CACHE names. A file of that name comes first.

  python -m minieqt weights                              all of them: licence, trained on, size, and which are here
  python -m minieqt weights conservative                 fetch these, and say what they are
  python -m minieqt pick day.mseed --weights conservative --out picks
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from minieqt.arguments import positive
from minieqt.errors import UserError

if TYPE_CHECKING:
    from minieqt.weights.load import Loaded

HEADER = ("name", "here", "size", "licence", "trained on", "source")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to fetch (none: list all)")
    parser.add_argument("--timeout", type=positive, default=30.0, metavar="S", help="a server may be silent (30)")


def run(options: Namespace) -> int:
    from minieqt.weights import open_weights

    if not options.names:
        print(listing())
    for name in options.names:
        print(card(open_weights(name, options.timeout)))
    return 0


def listing() -> str:
    """A line for each: the package's own first, published ones by name."""
    from minieqt.weights.fetch import CACHE, cache_folder, is_here
    from minieqt.weights.load import open_weights
    from minieqt.weights.locate import OWN, OWN_NAME
    from minieqt.weights.published import PUBLISHED

    own = ("(none)", "no", "", "MIT", "", OWN_NAME)
    if OWN.is_file():
        about = open_weights().attributes.get("description", "")
        own = ("(none)", "yes", size(OWN), "MIT", about, OWN_NAME)
    try:
        where, usable = f"fetched weights lie in {cache_folder()} ({CACHE} names another folder)", True
    except UserError as error:
        where, usable = str(error), False
    rows = [HEADER, own]
    for published in PUBLISHED.values():
        here = usable and is_here(published)
        length = size(cache_folder() / published.name / published.files[0].name) if here else published.size
        known = (published.licence, published.trained_on, published.source)
        rows.append((published.name, "yes" if here else "no", length, *known))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, where])


def size(path: Path) -> str:
    """A file's size in MB."""
    return f"{path.stat().st_size / 1e6:.1f} MB"


def card(loaded: Loaded) -> str:
    """What is known of one network."""
    from minieqt.weights.published import PUBLISHED

    rows = {"file": str(loaded.path), "size": size(loaded.path), "network": loaded.describe()}
    if loaded.name in PUBLISHED:
        published = PUBLISHED[loaded.name]
        rows |= {"licence": published.licence, "trained on": published.trained_on, "source": published.source}
    rows |= loaded.attributes
    return "\n".join([loaded.name, *(f"  {name:<12}{text}" for name, text in rows.items())])

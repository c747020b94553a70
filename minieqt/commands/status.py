"""What `pick` has done so far: station-days, hours, events and picks, and the stations to look at.

OUT is the folder of pick, also while it runs. It gets status.csv, a row per station-day, and status.png: stations by
days, coloured by their events. Hours are those of all channels together.

  python -m minieqt status picks
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from minieqt.arguments import existing_path


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("out", type=existing_path, metavar="OUT", help="what pick --out named")


def run(options: Namespace) -> int:
    from minieqt.files import write_text
    from minieqt.picking.status import chart, read_status, summary, table
    from minieqt.plots import save_figure

    days, foreign, unreadable = read_status(options.out)
    write_text(options.out / "status.csv", table(days))
    save_figure(chart(days), options.out / "status.png")
    print(summary(days))
    if foreign:
        print(f"not counted: {foreign} station-days that were made with other weights or options", file=sys.stderr)
    if unreadable:
        print(f"not counted: {unreadable} station-days that are damaged or of another version of pick", file=sys.stderr)
    print(f"table and chart: {options.out / 'status.csv'}, {options.out / 'status.png'}")
    return 0

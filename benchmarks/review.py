"""How long the review page's server takes per event: python benchmarks/review.py [RECORDS] [--weights FILE].

Picks the records (an hour of a synthetic network where none are named), goes through the whole queue as the key for
"next" does, and then draws a whole day and zooms into it. Every second item is read ahead, as the page does while a
person looks at the one before. Messages to the browser are made but not sent. Times are the process's and wall-clock.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from bokeh.protocol import Protocol

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", type=Path)
    parser.add_argument("--weights", help="(minieqt's own)")
    options = parser.parse_args()

    from bokeh.document import Document
    from machine import describe

    from minieqt.cli import main as minieqt
    from minieqt.records.archive import open_archive
    from minieqt.records.selection import Selection
    from minieqt.review.desk import Review
    from minieqt.review.explain_page import ExplainPage
    from minieqt.review.journal import Journal
    from minieqt.review.page import Page
    from minieqt.review.queue import draw_sample, make_queue
    from minieqt.review.state import read_out
    from minieqt.review.waveforms import Waveforms
    from minieqt.weights import open_weights

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        records = options.records
        if not records:
            records = [Path(folder) / "network"]
            minieqt(["synth", "--out", str(records[0]), "--network", "1"])
        weights = ["--weights", options.weights] if options.weights else []
        minieqt(["pick", *map(str, records), "--out", f"{folder}/picks", *weights])
        out = read_out(Path(folder) / "picks")
        archive = open_archive(out.records, Selection())
        recorded = {station: [(each.start, each.end) for each in found] for station, found in archive.entries.items()}
        queue = make_queue(out, draw_sample(out, recorded, 50, 50, 0), 100)
        model = open_weights(options.weights).model.eval()
        waveforms = Waveforms(archive, out.path, (1.0, 45.0), model)
        document = Document()
        page = Page(document, Review(out, Journal(out.path), queue, "benchmark"), waveforms, [])
        document.callbacks.on_change_dispatch_to(Messages())
        ahead, surprised, prepared = [], [], []
        for number in range(1, len(queue)):
            if number % 2:
                ahead.append(timed(page.read_ahead))
            (prepared if number % 2 else surprised).append(timed(lambda: page.act("n")))
        rows = {"next event, read ahead": prepared, "next event, not read ahead": surprised, "reading ahead": ahead}
        page.act("g")
        page.act("t")
        page.desk.show(0)
        pairs = [(timed(page.read_ahead), timed(lambda: page.act("n"))) for _ in range(20)]
        rows["the same with all stations and spectrogram"] = [shown for _, shown in pairs]
        rows["reading those ahead"] = [read for read, _ in pairs]
        page.act("g")
        page.act("t")
        rows["accept, saved"] = [timed(lambda: page.act("a")) for _ in range(10)]
        rows["whole day, first"] = [timed(lambda: page.act("w"))]
        start = page.desk.item.start
        hours = [timed(lambda k=k: page.draw(start - k * 10**12, start + k * 10**12)) for k in (2, 4, 8, 16, 32)]
        rows["zoom within the day"] = hours
        document = Document()
        explained = ExplainPage(document, queue, waveforms, model, 0)
        document.callbacks.on_change_dispatch_to(Messages())
        rows["look into the network: a slider"] = []
        for step in range(20):
            explained.noise[2].value = 0.1 * step
            rows["look into the network: a slider"].append(timed(explained.look))
    print(describe())
    print(f"{len(queue)} items; ms, process (clock)              median        95 %       largest")
    for name, times in rows.items():
        cells = (1000 * np.quantile(np.array(times), share, axis=0) for share in (0.5, 0.95, 1.0))
        print(f"{name:44s}" + "".join(f"{own:8.1f} ({wall:6.1f})" for own, wall in cells))


class Messages:
    """Makes what the server would send, as Bokeh's sessions do."""

    def _document_patched(self, event) -> None:
        message = Protocol().create("PATCH-DOC", [event])
        _ = message.content_json


def timed(action) -> tuple[float, float]:
    own, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - own, time.perf_counter() - wall


if __name__ == "__main__":
    main()

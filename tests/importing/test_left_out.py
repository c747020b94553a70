"""What an import leaves out stands in one list: records, picks, rows."""

from __future__ import annotations

from pathlib import Path

from minieqt.importing.left_out import ledger
from minieqt.records.left_out import LeftOut
from minieqt.tables.catalogue import Found
from minieqt.tables.picks import Onset


def test_everything_is_listed():
    records, found = LeftOut(), Found([])
    records.refuse("broken.mseed", "damaged")
    found.leave_out(Onset("PB", "B204", "P", 10**18), "rejected pick")
    found.skipped["row without a time"] += 3
    rows = ledger(records, found, Path("picks.csv")).rows
    assert [(row.id, row.path, row.start, row.reason) for row in rows] == [
        ("", "broken.mseed", None, "damaged"),
        ("PB.B204", "picks.csv (P)", 10**18, "rejected pick"),
        ("", "picks.csv", None, "3 × row without a time"),
    ]

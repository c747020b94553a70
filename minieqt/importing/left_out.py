"""What an import does not use, records and single picks, in the same ledger as `pick` keeps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from minieqt.records.left_out import LeftOut, Row
from minieqt.tables.catalogue import Found


def ledger(records: LeftOut, found: Found, picks: Path) -> LeftOut:
    """What is left out of the records, and of the picks; rows of a table that hold no pick are counted by reason."""
    everything = LeftOut()
    everything.extend(records)
    for onset, reason in found.unused:
        name = f"{onset.network}.{onset.station}".lstrip(".")
        everything.rows.append(Row(name, f"{picks} ({onset.phase})", onset.time, onset.time, 0, reason))
    for reason, count in (found.skipped - Counter(reason for _, reason in found.unused)).items():
        everything.refuse(picks, f"{count} × {reason}")
    return everything

"""Every network that was learnt from an OUT, and where it came from.

OUT/learned/001/training.hdf5, .csv   the corrections as they were when it began to learn
OUT/learned/001/split/                which of them, and of the old data, are trained on, choose, are held back
OUT/learned/001/run/                  the run of training, as `train` writes it
OUT/learned/001/weights.h5            what was learnt; its attributes tell its origin
OUT/learned/001/report.json           before and after, and whether it took the place of the one before
OUT/learned/weights.h5                the newest that did
OUT/learned/versions.csv              a line per version: name, SHA-256, parent, number of corrections, gain

One process at a time learns in an OUT. It may be killed at any moment: a version is finished once its report exists,
which is the last of its own files. The last two files follow from the reports, and the next process completes them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from minieqt.errors import UserError
from minieqt.evaluation.report import write_csv, write_json
from minieqt.files import atomic_write, locked
from minieqt.training import config as configuration
from minieqt.training.fine_tuning import sha256
from minieqt.training.loop import BEST
from minieqt.weights import native

FOLDER, RUN, WEIGHTS, REPORT, BEGUN = "learned", "run", "weights.h5", "report.json", "begun.json"
TABLE = "versions.csv"
HOLD_BACK = "hold_back"  # the attribute of a weight file that tells which share of time it must not be trained on
LEADING = ("version", "sha256", "parent", "parent_sha256", "corrections", "taken", "gain_f1", "gain_low", "gain_high")


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Inside, no other process learns in this OUT. UserError if one does already."""
    folder = out / FOLDER
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, wait=False))
        except BlockingIOError as error:
            raise UserError(f"another learn is at work in {out}: wait until it has ended") from error
        try:
            yield
        finally:
            with suppress(OSError):  # not empty
                folder.rmdir()


def folders(out: Path) -> list[Path]:
    """Of the versions that began to learn, in their order."""
    told = (Path(RUN, configuration.NAME), Path(REPORT))
    found = [path for path in (out / FOLDER).glob("[0-9]*") if any((path / name).is_file() for name in told)]
    return sorted((path for path in found if path.name.isdecimal()), key=lambda path: int(path.name))


def new_folder(out: Path) -> Path:
    """The next version's."""
    numbers = [int(path.name) for path in folders(out)]
    return out / FOLDER / f"{max(numbers, default=0) + 1:03d}"


def read_begun(folder: Path) -> dict[str, Any]:
    """What is known of a version's origin, as `keep` takes it. UserError if it is damaged or gone."""
    path = folder / BEGUN
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
        return {name: begun[name] for name in ("parent", "parent_sha256", "corrections", HOLD_BACK)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}): learn without --resume begins anew") from error


def unfinished(out: Path) -> Path | None:
    """The newest version, if it was stopped."""
    found = folders(out)
    return found[-1] if found and not (found[-1] / REPORT).exists() else None


def newest_taken(out: Path) -> Path | None:
    """The weights of the newest version that took its parent's place."""
    taken = [report["version"] for report in reports(out) if report["taken"]]
    return out / FOLDER / taken[-1] / WEIGHTS if taken else None


def reports(out: Path) -> list[dict[str, Any]]:
    """What report.json tells of every finished version. UserError for one that is damaged."""
    found = []
    for folder in folders(out):
        path = folder / REPORT
        if path.exists():
            try:
                report = json.loads(path.read_text(encoding="utf-8"))
                report["taken"], report["version"]
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(f"{path} is damaged: it is not the report of a version ({error})") from error
            found.append(report)
    return found


def keep(folder: Path, begun: Mapping[str, Any], taken: bool, report: Mapping[str, Any]) -> Path:
    """Write the version's weights with their origin and its report, and what follows from it.

    begun: parent, parent_sha256, corrections, hold_back. Returns the weights' path.
    """
    best = native.read(folder / RUN / BEST)
    attributes = best.attributes | {name: str(value) for name, value in begun.items()}
    attributes["learned_from"] = str(folder.parent.parent)
    native.save(folder / WEIGHTS, native.load(folder / RUN / BEST), attributes=attributes)
    told = {"version": folder.name, "sha256": sha256(folder / WEIGHTS), "taken": taken, **begun, **report}
    write_json(folder / REPORT, told)
    settle(folder.parent.parent)
    return folder / WEIGHTS


def settle(out: Path) -> dict[str, Any] | None:
    """Make learned/weights.h5 and versions.csv what the reports say; the report of the newest version, if it was new.

    versions.csv is written last: what it holds needs nothing more, and learned/weights.h5 is not touched again.
    """
    told = reports(out)
    if not told or told[-1]["version"] in listed(out):
        return None
    if told[-1]["taken"]:
        with atomic_write(out / FOLDER / WEIGHTS) as partial:
            partial.write_bytes((out / FOLDER / told[-1]["version"] / WEIGHTS).read_bytes())
    rows = []
    for report in told:
        gain = report["comparisons"][0]["gain_f1"]
        row = report | {"gain_f1": gain["value"], "gain_low": gain["low"], "gain_high": gain["high"]}
        rows.append({name: row.get(name) for name in LEADING})
    write_csv(out / FOLDER / TABLE, rows, LEADING)
    return told[-1]


def listed(out: Path) -> set[str]:
    """The versions that versions.csv holds."""
    path = out / FOLDER / TABLE
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {row.get("version", "") for row in csv.DictReader(file)}

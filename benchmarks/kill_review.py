"""Kill the review page's server, then `learn`, at random moments: nothing that was said to be saved is lost.

    python benchmarks/kill_review.py                     twenty kills of each, some minutes; prints where each fell
    python benchmarks/kill_review.py --kills 3 --learn 0

The page's server is the command in a process of its own, killed by SIGKILL while a client, which speaks the browser's
protocol, judges as fast as the server answers. Every correction of which the page said "saved" must be in the journal,
in order, and besides them at most the one under way. A killed `learn` is called again: it must make the same version,
to the bit, as an undisturbed one. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minieqt.learning import versions
from minieqt.review.journal import Journal
from minieqt.review.state import read_out
from minieqt.weights import native

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/review"))

from review_cases import event, records, write_out  # noqa: E402

KEYS = {"accepted": "a", "rejected": "x", "unsure": "u"}
LONGEST = 5.0  # s that a client judges before the kill
ONSETS = [(60 + 180 * k, 63 + 180 * k + k % 3) for k in range(32)]
LEARN = "--epochs 2 --threads 1 --batch-size 8".split()


def make_out(folder: Path) -> Path:
    """Records of 32 onsets, a quarter of which have no earthquake, and detections at all of them."""
    files = records(folder / "xx.aaa", [onset for k, onset in enumerate(ONSETS) if k % 4], minutes=100)
    return write_out(folder / "out", [event(p - 0.5, (0.6, 0.9), (s - p + 0.5, 0.9)) for p, s in ONSETS], files)


def start(*arguments: object, **options) -> subprocess.Popen:
    """minieqt with these arguments."""
    program = [sys.executable, "-m", "minieqt", *map(str, arguments)]
    return subprocess.Popen(program, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, **options)


# -- the page ----------------------------------------------------------------------------------------------------------


def serve(out: Path) -> tuple[subprocess.Popen, str]:
    """The server, and its address."""
    options = ("--no-browser", "--port", 0, "--first", 32, "--random", 0, "--who", "anna")
    server = start("review", out, *options, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines = iter(server.stdout.readline, "")
    return server, next(line.strip() for line in lines if line.startswith("http"))


def judge_until_killed(server: subprocess.Popen, address: str, delay: float, rng) -> tuple[list[str], list[str]]:
    """Verdicts that were asked for, and those that the page said were saved."""
    from bokeh.client import pull_session

    session = pull_session(url=address)
    info, notice, keys = (session.document.select_one({"name": name}) for name in ("info", "notice", "keys"))
    asked, saved = [], []

    def verdict_and_place() -> tuple[str, int]:
        return info.text.split("<br>")[1].rpartition(" · ")[2], int(re.search(r"this is (\d+)", info.text)[1])

    def press(key: str, until: Callable[[], bool]) -> bool:
        """Send a key as the browser does; whether the page showed what it should before the server was gone."""
        keys.value = f"{rng.integers(1 << 62)} {key}"
        # Bokeh's client has no public way to wait for a change: `force_roundtrip` drops those that come meanwhile.
        session._connection._loop_until(lambda: until() or not session.connected)
        return until()

    killer = threading.Timer(delay, server.kill)
    killer.start()
    while session.connected:
        verdict, place = verdict_and_place()
        asked.append(str(rng.choice([other for other in KEYS if other != verdict])))
        next_one = min(place + 1, len(ONSETS))  # at the end of the queue it stays

        def saved_and_gone_on(said: str = asked[-1], on: int = next_one) -> bool:
            return notice.text.startswith(f"{said}: saved") and verdict_and_place()[1] == on

        if press(KEYS[asked[-1]], saved_and_gone_on):
            saved.append(asked[-1])
    killer.join()
    server.wait()
    server.stdout.close()
    return asked, saved


def kill_pages(out: Path, kills: int, rng) -> int:
    """How many kills lost a correction, or changed one."""
    failures = acknowledged = 0
    for kill in range(1, kills + 1):
        before = Journal(out).corrections
        server, address = serve(out)
        delay = rng.uniform(0, LONGEST)
        asked, saved = judge_until_killed(server, address, delay, rng)
        journal = Journal(out)
        written = [correction.new for correction in journal.corrections[len(before) :]]
        kept = journal.corrections[: len(before)] == before and written == asked[: len(written)]
        lost = not (kept and len(saved) <= len(written) <= len(asked))
        failures += lost
        acknowledged += len(saved)
        print(
            f"page, kill {kill:2} after {delay:.2f} s: {len(saved)} said to be saved, {len(written)} in the journal, "
            f"{journal.unreadable} torn{' LOST' if lost else ''}",
            flush=True,
        )
    print(f"{kills - failures} of {kills} kills of the page lost nothing; {acknowledged} corrections in all")
    return failures


# -- learn -------------------------------------------------------------------------------------------------------------


def learn(out: Path, *more: str) -> subprocess.Popen:
    return start("learn", out, *more, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen) -> None:
    """Wait for it; SystemExit if it neither took the new weights (0) nor refused them (1)."""
    message = process.communicate()[1]
    if process.returncode not in (0, 1):
        sys.exit(f"learn failed with exit code {process.returncode}: {message}")


def where(out: Path) -> str:
    """How far a killed `learn` had come."""
    folder = out / versions.FOLDER / "001"
    if not versions.folders(out):
        return "before training"
    if not (folder / versions.REPORT).exists():
        done = (folder / versions.RUN / "metrics.json").exists()
        return "comparing" if done else "training"
    return "finished" if versions.listed(out) else "between its report and the table"


def wrong(out: Path, undisturbed: Path) -> list[str]:
    """What differs between the two versions, or is missing."""
    one, other = (path / versions.FOLDER for path in (out, undisturbed))
    names = ["001/weights.h5", *(["weights.h5"] if (other / "weights.h5").exists() else [])]
    found = [name for name in names if not (one / name).exists()]
    for name in set(names) - set(found):
        a, b = (native.read(folder / name).arrays for folder in (one, other))
        found += [f"{name}: {key}" for key in a.keys() | b.keys() if a[key].tobytes() != b[key].tobytes()]
    if (one / "weights.h5").exists() != (other / "weights.h5").exists() or versions.listed(out) != {"001"}:
        found.append(versions.TABLE)
    return found


def kill_learning(judged: Path, folder: Path, kills: int, rng) -> int:
    """How many kills did not lead to the same version."""
    for name in ("first", "undisturbed"):  # the first may have to compile kernels
        shutil.copytree(judged, folder / name)
        began = time.monotonic()
        finish(learn(folder / name, *LEARN))
        duration = time.monotonic() - began
    print(f"learn, undisturbed: {duration:.1f} s")
    if wrong(folder / "first", folder / "undisturbed"):
        sys.exit("two undisturbed ones differ: nothing can be said about killed ones")
    failures = 0
    for kill in range(1, kills + 1):
        out = shutil.copytree(judged, folder / f"learn{kill}")
        delay = rng.uniform(0, duration)
        process = learn(out, *LEARN)
        time.sleep(delay)
        process.kill()
        process.communicate()
        place = where(out)
        if place == "before training":
            finish(learn(out, *LEARN))
        elif place != "finished":
            finish(learn(out, "--resume", "--threads", "1"))
        differs = wrong(out, folder / "undisturbed")
        failures += bool(differs)
        verdict = "differs: " + ", ".join(differs[:3]) if differs else "the same version"
        print(f"learn, kill {kill:2} after {delay:5.2f} s, {place}: {verdict}", flush=True)
    print(f"{kills - failures} of {kills} killed learns came to the same version")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="of the page's server (20)")
    parser.add_argument("--learn", type=int, default=20, help="of learn (20)")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments (0)")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        out = make_out(folder)
        failures = kill_pages(out, options.kills, rng)
        if options.learn:
            (out / "review.jsonl").unlink(missing_ok=True)
            journal = Journal(out)
            for k, key in enumerate(read_out(out).events):
                journal.write("anna", key, "verdict", None, "accepted" if k % 4 else "rejected")
            failures += kill_learning(out, folder, options.learn, rng)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

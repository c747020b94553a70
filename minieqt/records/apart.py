"""GSE files, decoded in a process of their own.

ObsPy's decoder of GSE1 and GSE2 is C that writes past its buffer where a damaged line is too long. That crashes the
program it runs in: here a child process, whose crash becomes a message. The price is a second or two a file.
"""

from __future__ import annotations

import glob
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import obspy
from obspy import Stream, UTCDateTime
from obspy.io.gse2.core import _is_gse1, _is_gse2

from minieqt.processes import module_command, same_path

LONGEST = 600  # s that a file may take


def is_gse(path: Path) -> bool:
    """Whether ObsPy would decode a file with that decoder."""
    return bool(_is_gse1(str(path)) or _is_gse2(str(path)))


def read_apart(path: Path, start: UTCDateTime, end: UTCDateTime) -> Stream:
    """What ObsPy reads of a file between two times. ValueError if it reads nothing, or the decoder crashed."""
    command = module_command("minieqt.records.apart", str(path), str(start.ns), str(end.ns))
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, env=same_path())
    except subprocess.TimeoutExpired:
        raise ValueError(f"its decoder took more than {LONGEST} s") from None
    if done.returncode < 0:
        raise ValueError("its decoder crashed")
    if done.returncode:
        raise ValueError((done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1])
    stream: Stream = pickle.loads(done.stdout)
    return stream


def main() -> None:
    """PATH START END (nanoseconds): the stream, pickled, on standard output."""
    path, start, end = sys.argv[1], UTCDateTime(ns=int(sys.argv[2])), UTCDateTime(ns=int(sys.argv[3]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = obspy.read(glob.escape(path), starttime=start, endtime=end)
    sys.stdout.buffer.write(pickle.dumps(stream))


if __name__ == "__main__":
    main()

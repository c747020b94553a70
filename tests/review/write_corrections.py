"""Processes that write corrections, and say which of them are on the disk: OUT COUNT.

For every line of the input, an author, a process of its own begins, says "pid N", writes and is waited for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from minieqt.review.journal import Journal

if __name__ == "__main__":
    out, count = Path(sys.argv[1]), int(sys.argv[2])
    for line in sys.stdin:
        who = line.strip()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            print("ended", flush=True)
            continue
        print(f"pid {os.getpid()}", flush=True)
        journal = Journal(out)
        for number in range(count):
            print(journal.write(who, f"{who}/{number}", "p", None, number).id, flush=True)
        os._exit(0)

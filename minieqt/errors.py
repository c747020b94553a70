"""What a user is told in one line: an error that says what to do, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping


class UserError(ValueError):
    """Raised for a user's mistake (a missing file, a wrong shape, an empty split); programs exit with code 2."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.splitlines()))  # what it quotes of a file may hold any character


def counted(counts: Mapping[str, int]) -> str:
    """{"P without S": 3, "dead component": 1} -> "3 × P without S, 1 × dead component"; counts of 0 are not told."""
    return ", ".join(f"{count:,} × {what}" for what, count in counts.items() if count)

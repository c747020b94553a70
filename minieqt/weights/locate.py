"""Which file is meant: nothing for the package's own weights, the path of a file, or the name of published weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from minieqt.errors import UserError
from minieqt.weights.fetch import TIMEOUT, fetch
from minieqt.weights.published import PUBLISHED, REFUSED

OWN = Path(__file__).with_name("own.h5")
OWN_NAME = "minieqt's own weights"
MEANT = "FILE|NAME"  # how the command line calls it


def locate(weights: Path | str | None, read: Callable[[Path], object], timeout: float = TIMEOUT) -> Path:
    """The file that is meant; a file that exists comes before a name. `read` checks what has to be fetched.

    UserError for a file that does not exist, and as in `fetch`.
    """
    if weights is None:
        if not OWN.is_file():
            raise UserError(
                f"{OWN_NAME} are not in this copy of the package ({OWN}): name a file, or published weights such as "
                "conservative"
            )
        return OWN
    path, name = Path(weights), str(weights)
    if path.is_file():
        return path
    if name in PUBLISHED:
        return fetch(PUBLISHED[name], read, timeout)
    if name in REFUSED:
        raise UserError(REFUSED[name])
    if path.suffix or len(path.parts) != 1:  # not like any name
        raise UserError(f"{path}: no such file")
    raise UserError(f"{path}: no such file, and not the name of published weights: {', '.join(PUBLISHED)}")

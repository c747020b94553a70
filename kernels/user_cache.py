"""Where a user's caches are kept: the first folder that can be written.

XDG_CACHE_HOME or ~/.cache; where there is no home, or it cannot be written (a container's user, a cluster's node), a
folder of this user's own among the temporary files.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def user_cache() -> Path | None:
    """minieqt's cache folder, made if need be; None if there is none that can be written."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folders = []
    try:
        folders.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minieqt")
    except RuntimeError:  # no home folder is known
        pass
    try:
        folders.append(Path(tempfile.gettempdir()) / f"minieqt-{user}")
    except OSError:  # no folder for temporary files either
        pass
    return next((folder for folder in folders if can_write(folder)), None)


def can_write(folder: Path) -> bool:
    """Whether a folder exists or can be made, belongs to this user and can be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid() or os.getuid() == 0
        return ours and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False

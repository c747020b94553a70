"""Published weights into the user's cache: fetched once, checked, and put in place whole or not at all.

    CACHE/weights/NAME/<file>          what was fetched, under the publisher's name
    CACHE/weights/NAME/fetched.json    {file: where it came from, when, its checksum}

CACHE is the platform's cache folder (~/.cache/minieqt on Linux), or what MINIEQT_CACHE names. Files are downloaded into
a temporary folder there, checked against what is known of them, read once, and then moved; the one with the arrays
comes last, so that its presence means the whole set. A file that a person puts there by hand passes the same checks.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from minieqt.errors import UserError
from minieqt.files import write_text
from minieqt.weights.published import Published, Remote

CACHE = "MINIEQT_CACHE"
RECORD = "fetched.json"
TIMEOUT = 30.0  # seconds without a byte
PIECE = 1 << 16  # bytes read at a time


def cache_folder() -> Path:
    """Where fetched weights are kept; it need not be there yet. UserError where there is no home folder."""
    if named := os.environ.get(CACHE):
        try:
            return Path(named).expanduser() / "weights"
        except RuntimeError as error:
            raise UserError(f"{CACHE} is {named}: there is no such home folder") from error
    import pooch

    try:
        folder = Path(pooch.os_cache("minieqt"))
    except RuntimeError:  # newer platformdirs; older ones leave ~ as it is
        folder = Path("~")
    if not folder.is_absolute():
        raise UserError(f"there is no home folder to keep fetched weights in: let {CACHE} name a folder")
    return folder / "weights"


def is_here(published: Published) -> bool:
    """Whether the set has been fetched."""
    return all((cache_folder() / published.name / remote.name).is_file() for remote in published.files)


def fetch(published: Published, read: Callable[[Path], object], timeout: float = TIMEOUT) -> Path:
    """The file with the arrays, fetched if it is not in the cache. `read` raises UserError if a file holds no network.

    UserError, in one line: no connection, a server that fails, and files that are not what they should be.
    """
    folder = cache_folder() / published.name
    known = read_record(folder)
    arrays = folder / published.files[0].name
    if not is_here(published):
        download(published, folder, known, read, timeout)
        return arrays
    for remote in published.files:
        check(folder / remote.name, remote, known, f"{folder / remote.name} (remove it to fetch it again)")
    if known.keys() != {remote.name for remote in published.files}:  # put there by hand
        check_version(published, folder)
        read(arrays)
        with suppress(OSError):  # a cluster's cache may be read-only; then they are checked again each time
            write_record(folder, {remote.name: describe(folder / remote.name, "by hand") for remote in published.files})
    return arrays


def download(
    published: Published, folder: Path, known: dict[str, Any], read: Callable[[Path], object], timeout: float
) -> None:
    """Fetch every file of a set into its folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    except OSError as error:
        raise UserError(f"{folder} cannot be written to ({error.strerror}): let {CACHE} name another folder") from error
    try:
        record = {}
        for remote in published.files:
            address = download_one(published, remote, staging, folder, timeout)
            check(staging / remote.name, remote, known, address)
            record[remote.name] = describe(staging / remote.name, address)
        check_version(published, staging)
        read_as(record, staging / published.files[0].name, read)
        write_record(folder, record)
        for remote in reversed(published.files):
            os.replace(staging / remote.name, folder / remote.name)
    finally:
        shutil.rmtree(staging)


def read_as(record: dict[str, Any], path: Path, read: Callable[[Path], object]) -> None:
    """`read`, whose errors name the address instead of the temporary file."""
    try:
        read(path)
    except UserError as error:
        raise UserError(str(error).replace(str(path), record[path.name]["from"])) from error


def download_one(published: Published, remote: Remote, staging: Path, folder: Path, timeout: float) -> str:
    """Fetch one file from the first address that has it, and return that address."""
    import pooch
    from tqdm import tqdm

    pooch.get_logger().setLevel("WARNING")
    failures: dict[str, OSError] = {}  # by server if it gave no answer, else by address
    for address in remote.addresses:
        server = urlsplit(address).netloc
        if server in failures:
            continue
        with tqdm(total=1, desc=remote.name, unit="B", unit_scale=True, leave=False, disable=None) as bar:
            headers = {"User-Agent": "minieqt"}
            get = pooch.HTTPDownloader(progressbar=bar, chunk_size=PIECE, timeout=timeout, headers=headers)
            try:
                pooch.retrieve(address, None, remote.name, staging, downloader=get)
                return address
            except OSError as error:  # requests' errors are OSErrors without a number
                if error.errno is not None:
                    raise
                failures[server if getattr(error, "response", None) is None else address] = error
    raise UserError(
        f"{published.name} could not be fetched ({why(next(iter(failures.values())))}): without a network, save "
        + " and ".join(f"{file.addresses[0]} as {folder / file.name}" for file in published.files)
    )


def why(error: OSError) -> str:
    """A network's error in a few words: requests' own are long."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server says {response.status_code} {response.reason}"
    kind = type(error).__name__
    kinds = {"ChunkedEncodingError": "the connection broke in the middle", "SSLError": "no secure connection"}
    return kinds.get(kind, "no answer in time" if "timed out" in str(error) else "no connection")


def check(path: Path, remote: Remote, known: dict[str, Any], what: str) -> None:
    """UserError if a file has another checksum than the registry knows, or than it had when it was first fetched."""
    before = known.get(remote.name, {}).get("checksum")
    if remote.checksum is not None and checksum(path, remote.checksum) != remote.checksum:
        raise UserError(f"{what} is not the file it should be: {path.stat().st_size:,} bytes, not {remote.checksum}")
    if before is not None and checksum(path, "sha256:") != before:
        raise UserError(f"{what} is not the file that was fetched on {known[remote.name]['when']}")


def check_version(published: Published, folder: Path) -> None:
    """UserError if a SeisBench set's .json names another version than the registry."""
    if published.version is None:
        return
    path = folder / published.files[1].name
    try:
        version = str(json.loads(path.read_text(encoding="utf-8")).get("version", "1"))
    except (ValueError, AttributeError) as error:
        raise UserError(f"{published.name}: {path.name} is no description of a SeisBench network ({error})") from error
    if version != published.version:
        raise UserError(f"{published.name}: the file is of version {version}, and wanted is {published.version}")


def checksum(path: Path, like: str) -> str:
    """A file's checksum of the kind that `like` begins with: "sha256:…" or "git:…"."""
    contents = path.read_bytes()
    if like.startswith("git:"):
        header = b"blob %d\0" % len(contents)
        return f"git:{hashlib.sha1(header + contents, usedforsecurity=False).hexdigest()}"
    return f"sha256:{hashlib.sha256(contents).hexdigest()}"


def describe(path: Path, address: str) -> dict[str, str]:
    """A file's entry in the record."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return {"from": address, "when": when, "checksum": checksum(path, "sha256:")}


def read_record(folder: Path) -> dict[str, Any]:
    """What is known of the files that were fetched; nothing before the first time."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        return {name: dict(known) for name, known in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged: remove {folder} to fetch the weights again") from error


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write the record beside the files."""
    write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")

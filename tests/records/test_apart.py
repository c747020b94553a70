"""A GSE file whose decoder crashes on it is left out, and nothing else ends."""

from __future__ import annotations

import numpy as np
import obspy
import pytest

from minieqt.records.apart import is_gse, read_apart
from minieqt.records.archive import open_archive
from minieqt.records.left_out import LeftOut
from minieqt.records.selection import Selection


@pytest.fixture
def whole():
    trace = obspy.read()[0]
    trace.data = trace.data.astype("int32")
    return trace


def test_a_whole_file(tmp_path, whole):
    path = tmp_path / "a [1].gse"
    whole.write(str(path), format="GSE2")
    assert is_gse(path)
    start, end = whole.stats.starttime + 3, whole.stats.starttime + 7
    (trace,) = read_apart(path, start, end)
    assert abs(trace.stats.starttime - start) < 0.01 and trace.stats.npts == 401
    np.testing.assert_array_equal(trace.data, whole.slice(start, end).data)


def test_a_decoder_without_an_end(tmp_path, whole, monkeypatch):
    path = tmp_path / "a.gse"
    whole.write(str(path), format="GSE2")
    monkeypatch.setattr("minieqt.records.apart.LONGEST", 0.01)
    with pytest.raises(ValueError, match=r"more than 0\.01 s"):
        read_apart(path, whole.stats.starttime, whole.stats.endtime)


def test_a_crash_is_one_file_left_out(tmp_path, whole):
    """A line of 20,000 characters where 80 are the format: ObsPy itself ends the process on it."""
    folder = tmp_path / "archive"
    folder.mkdir()
    whole.write(str(folder / "bad.gse"), format="GSE2")
    lines = (folder / "bad.gse").read_bytes().split(b"\n")
    at = next(n for n, line in enumerate(lines) if line.startswith(b"DAT2")) + 1
    lines[at] = lines[at] * 250
    (folder / "bad.gse").write_bytes(b"\n".join(lines))
    whole.write(str(folder / "good.mseed"), format="MSEED")
    start, end = whole.stats.starttime, whole.stats.endtime
    with pytest.raises(ValueError, match="crashed"):
        read_apart(folder / "bad.gse", start, end)
    archive, left_out = open_archive([folder], Selection()), LeftOut()
    (station,) = archive.entries
    (trace,) = archive.read(station, start.ns, end.ns, left_out)
    assert trace.stats.npts == whole.stats.npts
    ((path, reason),) = [(row.path, row.reason) for row in left_out.rows]
    assert path.endswith("bad.gse") and "does not read" in reason

"""What headers said is remembered, and no more than that: a file that has changed, or is cut, is looked at again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from obspy import Stream
from records import START, trace

from minieqt.records import archive as archive_module
from minieqt.records.archive import open_archive
from minieqt.records.header_index import NAME, HeaderIndex
from minieqt.records.selection import Selection


@pytest.fixture
def looked(monkeypatch):
    """The files that are looked at, as they are."""
    found, real = [], archive_module.contents_of
    monkeypatch.setattr(archive_module, "contents_of", lambda path: found.append(path.name) or real(path))
    return found


@pytest.fixture
def folder(tmp_path):
    """Two files of one station, one of which has records of a rate that is of no use, and one that is none."""
    (tmp_path / "in").mkdir()
    Stream([trace(60, dtype="int32")]).write(str(tmp_path / "in/a"), format="MSEED")
    slow = Stream([trace(900, "LHZ", rate=1.0, dtype="int32"), trace(60, "HHN", dtype="int32")])
    slow.write(str(tmp_path / "in/b"), format="MSEED", reclen=512)
    (tmp_path / "in/c").write_text("nothing to hear")
    return tmp_path


def what(archive):
    """Everything that an archive says."""
    return archive.entries, archive.left_out.merged(), archive.left_out.recorded, archive.complaint


def test_what_has_not_changed_is_not_looked_at_again(folder, looked, monkeypatch):
    whole = what(open_archive([folder / "in"], Selection()))
    assert len(whole[1]) == 2 and len(whole[0]["XX", "ABC"]) == 2 and whole[2] == 900
    index = HeaderIndex(folder / NAME)
    assert what(open_archive([folder / "in"], Selection(), index=index)) == whole
    index.write()
    looked.clear()
    assert what(open_archive([folder / "in"], Selection(), index=HeaderIndex(folder / NAME))) == whole and not looked
    os.utime(folder / "in/a", (0, 0))
    assert what(open_archive([folder / "in"], Selection(), index=HeaderIndex(folder / NAME))) == whole
    assert looked == ["a"]
    monkeypatch.chdir(folder)  # the same files under other names
    near = what(open_archive([Path("in")], Selection(), index=HeaderIndex(folder / NAME)))
    assert near[:3] == what(open_archive([Path("in")], Selection()))[:3]  # ObsPy words what it cannot read


def test_a_name_that_is_not_utf_8(folder, looked):
    """Older archives have names in Latin-1."""
    (folder / "in/a").rename(folder / "in" / os.fsdecode(b"stra\xdfe"))
    index = HeaderIndex(folder / NAME)
    whole = what(open_archive([folder / "in"], Selection(), index=index))
    index.write()
    looked.clear()
    assert what(open_archive([folder / "in"], Selection(), index=HeaderIndex(folder / NAME))) == whole and not looked


@pytest.mark.parametrize(
    ("selection", "again"),
    [
        (Selection(end=START + 300), ["b"]),  # in the middle of what is of no use
        (Selection(end=START + 30), ["b"]),
        (Selection(START + 30, START + 1000), ["b"]),
        (Selection(START - 100), []),
        (Selection(stations=("XX.ABC",)), []),
    ],
)
def test_a_selection_of_what_is_remembered(folder, looked, selection, again):
    index = HeaderIndex(folder / NAME)
    open_archive([folder / "in"], Selection(), index=index)
    index.write()
    looked.clear()
    found = what(open_archive([folder / "in"], selection, index=HeaderIndex(folder / NAME)))
    assert looked == again
    assert found == what(open_archive([folder / "in"], selection))

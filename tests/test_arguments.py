"""Arguments are checked, and whatever a user can mend is one line and exit code 2."""

from __future__ import annotations

import argparse

import pytest

from minieqt.arguments import Parser, existing_file, existing_path, guarded, positive, share, whole
from minieqt.errors import UserError


@pytest.mark.parametrize(
    ("kind", "good", "value", "bad"),
    [
        (whole(2), "2", 2, ["1", "2.5", "x"]),
        (whole(0, 5), "5", 5, ["6", "-1"]),
        (positive, "1e-3", 1e-3, ["0", "-1", "nan", "inf"]),
        (share, "0", 0, ["1", "-0.1", "nan"]),
    ],
)
def test_numbers(kind, good, value, bad):
    assert kind(good) == value
    for text in bad:
        with pytest.raises((argparse.ArgumentTypeError, ValueError)):
            kind(text)


def test_a_link_is_the_path_that_was_given(tmp_path):
    """The table of a linked data set is the one beside the link."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/merged.hdf5").write_text("")
    (tmp_path / "merged.hdf5").symlink_to("disk/merged.hdf5")
    for argument in (existing_file, existing_path):
        assert argument(str(tmp_path / "merged.hdf5")) == tmp_path / "merged.hdf5"


def test_existing_file(tmp_path):
    (tmp_path / "a").write_text("")
    assert existing_file(str(tmp_path / "a")) == tmp_path / "a"
    for missing in (tmp_path / "b", tmp_path):
        with pytest.raises(argparse.ArgumentTypeError):
            existing_file(str(missing))


def test_a_wrong_option_is_one_line(capsys):
    parser = Parser("program")
    parser.add_argument("--number", type=whole(1))
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["--number", "0"])
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("program: argument --number: must lie between 1") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("a file\nis missing"), 2, "program: a file is missing"),
        (OSError(28, "No space left on device", "last.h5"), 2, "program: No space left on device: last.h5"),
        (PermissionError(13, "Permission denied", "closed/out"), 2, "program: Permission denied: closed/out"),
        (MemoryError("8 GiB"), 2, "--batch-size"),
        (KeyboardInterrupt(), 130, "program: stopped"),
        (KeyboardInterrupt("stopped; go on"), 130, "program: stopped; go on"),
    ],
)
def test_guarded(error, code, words, capsys):
    def main():
        raise error

    assert guarded("program", main) == code
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_a_bug_is_not_hidden():
    def main():
        raise KeyError("bug")

    with pytest.raises(KeyError):
        guarded("program", main)


def test_success():
    assert guarded("program", lambda: 0) == 0

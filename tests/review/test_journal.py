"""Corrections: nothing acknowledged is lost, whoever writes and whoever is killed; undo and redo without end."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minieqt.review.journal import NAME, Correction, Journal

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("write_corrections.py")


def start_writers(out, count):
    program = [sys.executable, str(WRITER), str(out), str(count)]
    pipe = subprocess.PIPE
    return subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})


def state(journal):
    """{(event, field): value} of everything that was ever set."""
    return {c.place: journal.value(*c.place) for c in journal.corrections}


def test_a_correction_is_a_line_and_comes_back(tmp_path):
    journal = Journal(tmp_path)
    assert not (tmp_path / NAME).exists() and journal.refresh() == 0
    journal.write("anna", "XX.AAA..HH/5", "p", None, 7)
    journal.write("anna", "XX.AAA..HH/5", "verdict", None, "accepted")
    journal.write("anna", "XX.AAA..HH/5", "p", 7, None)
    lines = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert [(line["who"], line["field"], line["old"], line["new"], line["act"]) for line in lines] == [
        ("anna", "p", None, 7, "do"), ("anna", "verdict", None, "accepted", "do"), ("anna", "p", 7, None, "do"),
    ]  # fmt: skip
    again = Journal(tmp_path)
    assert again.corrections == journal.corrections and again.unreadable == 0 and not again.conflicts
    assert again.value("XX.AAA..HH/5", "p", 3) is None and again.value("XX.AAA..HH/5", "s", 3) == 3
    assert again.author("XX.AAA..HH/5", "p") == "anna" and again.author("XX.AAA..HH/5", "s") is None
    assert list(again.events()) == ["XX.AAA..HH/5"]


def test_hostile_names_are_text(tmp_path):
    journal = Journal(tmp_path)
    names = ["<script>alert(1)</script>", 'a"\\\n{}', "é\u2028\x00", "\ud800"]
    for name in names:
        journal.write(name, name, "verdict", None, name)
    again = Journal(tmp_path)
    assert len((tmp_path / NAME).read_bytes().splitlines()) == 4 and again.unreadable == 0
    assert [c.event for c in again.corrections][:3] == names[:3]


def test_a_line_cut_at_any_byte_is_passed_over_and_the_next_is_whole(tmp_path):
    first = Journal(tmp_path)
    first.write("anna", "A/1", "p", None, 1)
    whole = (tmp_path / NAME).read_bytes()
    for size in range(1, len(whole) - 1):
        (tmp_path / NAME).write_bytes(whole + whole[:size])
        journal = Journal(tmp_path)
        assert journal.unreadable == 1 and len(journal.corrections) == 1
        journal.write("ben", "A/2", "s", None, 2)
        again = Journal(tmp_path)
        assert again.unreadable == 1 and state(again) == {("A/1", "p"): 1, ("A/2", "s"): 2}
    (tmp_path / NAME).write_bytes(whole[:-1])  # all but its end: it is whole
    Journal(tmp_path).write("ben", "A/2", "s", None, 2)
    assert Journal(tmp_path).unreadable == 0 and len(Journal(tmp_path).corrections) == 2


@pytest.mark.parametrize(
    "line",
    [
        "{}", "[]", "null", "nonsense", "[" * 100_000, '{"id": 1}',
        '{"id":"a","who":"b","when":"","event":"e","field":"p","old":null,"new":"text","act":"do"}',
        '{"id":"a","who":"b","when":"","event":"e","field":"p","old":null,"new":true,"act":"do"}',
        '{"id":"a","who":"b","when":"","event":"e","field":"x","old":null,"new":null,"act":"do"}',
        '{"id":"a","who":"b","when":"","event":"e","field":"p","old":null,"new":null,"act":"x"}',
    ],
)  # fmt: skip
def test_what_is_no_correction_is_counted(tmp_path, line):
    Journal(tmp_path).write("anna", "A/1", "p", None, 1)
    with (tmp_path / NAME).open("a") as file:
        file.write(line + "\n")
    journal = Journal(tmp_path)
    assert journal.unreadable == 1 and state(journal) == {("A/1", "p"): 1}


def test_a_value_of_the_wrong_kind_is_not_written(tmp_path):
    journal = Journal(tmp_path)
    with pytest.raises(ValueError, match="p cannot be"):
        journal.write("anna", "A/1", "p", None, 1.5)
    assert not (tmp_path / NAME).exists()


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.write("anna", "A/1", "p", None, 1)
    before = (tmp_path / NAME).read_bytes()
    write = os.write

    def half(descriptor, data):
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        journal.write("anna", "A/1", "p", 1, 2)
    assert (tmp_path / NAME).read_bytes() == before and journal.value("A/1", "p") == 1
    monkeypatch.undo()
    journal.write("anna", "A/1", "p", 1, 2)
    assert journal.value("A/1", "p") == Journal(tmp_path).value("A/1", "p") == 2


def test_twenty_random_kills_lose_nothing(tmp_path):
    """Every correction that a killed process had said was written is there, in order."""
    rng = np.random.default_rng(20)
    acknowledged = []
    with start_writers(tmp_path, 10**9) as writers:
        for kill in range(20):
            writers.stdin.write(f"writer{kill}\n")
            writers.stdin.flush()
            process = int(writers.stdout.readline().removeprefix("pid "))
            for _ in range(int(rng.integers(1, 40))):
                acknowledged.append(writers.stdout.readline().strip())
            os.kill(process, signal.SIGKILL)
            while (line := writers.stdout.readline()) != "ended\n":  # what it still could say
                acknowledged.append(line.strip())
    journal = Journal(tmp_path)
    written = [c.id for c in journal.corrections]
    assert [each for each in written if each in set(acknowledged)] == acknowledged
    assert len(written) <= len(acknowledged) + 20 and journal.unreadable <= 20


def test_two_processes_at_once_merge(tmp_path):
    count = 200
    with start_writers(tmp_path, count) as one, start_writers(tmp_path, count) as other:
        for writers, who in ((one, "anna"), (other, "ben")):
            writers.stdin.write(f"{who}\n")
            writers.stdin.close()
        said = [writers.stdout.read().split()[2:-1] for writers in (one, other)]
    journal = Journal(tmp_path)
    assert journal.unreadable == 0 and not journal.conflicts
    for who, ids in zip(("anna", "ben"), said, strict=True):
        assert [c.id for c in journal.corrections if c.who == who] == ids and len(ids) == count
    authors = [c.who for c in journal.corrections]
    assert any(one != other for one, other in pairwise(authors))


def test_a_conflict_is_found_listed_and_resolved(tmp_path):
    anna, ben = Journal(tmp_path), Journal(tmp_path)
    anna.write("anna", "A/1", "p", 10, 11)
    ben.write("ben", "A/1", "p", 10, 12)  # had not seen it
    ben.write("ben", "A/1", "s", 20, 21)
    assert anna.refresh() == 2
    for journal in (anna, ben, Journal(tmp_path)):
        ((earlier, later),) = journal.conflicts.values()
        assert (earlier.who, earlier.new, later.who, later.new) == ("anna", 11, "ben", 12)
        assert journal.value("A/1", "p") == 12
    anna.write("anna", "A/1", "p", 12, 12)  # agreed
    assert not anna.conflicts and not Journal(tmp_path).conflicts


def test_the_same_change_by_two_is_no_conflict(tmp_path):
    anna, ben = Journal(tmp_path), Journal(tmp_path)
    anna.write("anna", "A/1", "verdict", None, "rejected")
    ben.write("ben", "A/1", "verdict", None, "rejected")
    assert not ben.conflicts


def test_undo_leaves_what_another_has_set_since(tmp_path):
    journal = Journal(tmp_path)
    journal.write("anna", "A/1", "p", 10, 11)
    journal.write("ben", "A/1", "p", 11, 12)
    undone = journal.undo("anna")
    assert undone.old == undone.new == 12 and journal.value("A/1", "p") == 12
    assert journal.undo("anna") is None and journal.redo("carl") is None
    assert journal.undo("ben").new == 11 and journal.value("A/1", "p") == 11


def test_two_journals_put_together_count_once(tmp_path):
    journal = Journal(tmp_path)
    journal.write("anna", "A/1", "p", 10, 11)
    text = (tmp_path / NAME).read_bytes()
    other = Correction("f" * 32, "ben", "", "A/2", "s", None, 5)
    (tmp_path / NAME).write_bytes(text + text + other.line())
    assert state(Journal(tmp_path)) == {("A/1", "p"): 11, ("A/2", "s"): 5}
    assert len(Journal(tmp_path).corrections) == 2


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("set"), st.sampled_from("AB"), st.sampled_from("ps"), st.one_of(st.none(), st.integers(0, 3))
        ),
        st.tuples(st.just("undo")),
        st.tuples(st.just("redo")),
    ),
    max_size=25,
)


@given(OPERATIONS)
@settings(max_examples=60, deadline=None)
def test_undo_and_redo_are_those_of_a_list_of_states(operations):
    """Of one author: as an editor that keeps every state of a document in a list."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        states, at = [{}], 0
        for name, *what in operations:
            if name == "set":
                event, field, value = what
                journal.write("anna", event, field, journal.value(event, field), value)
                states[at + 1 :] = [states[at] | {(event, field): value}]
                at += 1
            elif name == "undo":
                assert (journal.undo("anna") is None) == (at == 0)
                at = max(at - 1, 0)
            else:
                assert (journal.redo("anna") is None) == (at == len(states) - 1)
                at = min(at + 1, len(states) - 1)
            held = {place: value for place, value in state(journal).items() if value is not None}
            assert held == {place: value for place, value in states[at].items() if value is not None}
        assert state(Journal(Path(folder))) == state(journal) and not journal.conflicts

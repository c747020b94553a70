"""What keys and buttons do, without a browser."""

from __future__ import annotations

import pytest
from review_cases import START, event, write_out

from minieqt.records.span import SECOND
from minieqt.review.desk import Desk, Review
from minieqt.review.journal import Journal
from minieqt.review.queue import MINUTE, draw_sample, make_queue
from minieqt.review.state import read_out

EVENTS = [event(60 * k, (1, 0.9), (3, 0.8)) for k in range(3)]


@pytest.fixture
def review(tmp_path):
    """Three detections, then two quiet minutes."""
    out = read_out(write_out(tmp_path, EVENTS))
    recorded = {("XX", "AAA"): [(START.ns, START.ns + 10 * MINUTE)]}
    return Review(out, Journal(tmp_path), make_queue(out, draw_sample(out, recorded, 3, 2, 0), 3), "anna")


def test_judging_goes_on_and_starts_where_it_stopped(review):
    desk = Desk(review)
    first = desk.item
    desk.judge("accepted")
    assert desk.place == 1 and review.judged() == 1 and review.journal.value(first.key, "verdict") == "accepted"
    assert Desk(review).place == 1
    for verdict in ("rejected", "unsure", "accepted", "accepted"):
        desk.judge(verdict)
    assert desk.place == 4 and "last" in desk.message and review.judged() == 5 and Desk(review).place == 0


def test_move_add_delete_undo_redo(review):
    desk = Desk(review)
    p = desk.state.p
    desk.put("P", p + SECOND)
    desk.delete("S")
    assert desk.state.times() == {"P": p + SECOND}
    desk.delete("S")
    assert desk.message == "there is no S"
    desk.put("S", p)
    assert "S does not stand after P" in desk.message
    for _ in range(3):
        desk.undo()
    assert desk.state.times() == {"P": p, "S": p + 2 * SECOND}
    desk.undo()
    assert desk.message == "nothing to undo"
    for _ in range(3):
        desk.redo()
    assert desk.state.times() == {"P": p + SECOND, "S": p}


def test_undo_goes_to_what_it_undoes(review):
    desk = Desk(review)
    desk.judge("accepted")
    desk.show(4)
    desk.undo()
    assert desk.place == 0 and review.judged() == 0


def test_an_earthquake_that_was_missed(review):
    desk = Desk(review)
    desk.show(3)
    assert desk.item.quiet and desk.state is None
    desk.put("P", desk.item.start + 5 * SECOND)
    desk.put("S", desk.item.start + 7 * SECOND)
    added = desk.state
    assert added.times() == {"P": desk.item.start + 5 * SECOND, "S": desk.item.start + 7 * SECOND}
    assert added.found is None and added.verdict == "accepted" and len(desk.beside()) == 3
    for _ in range(3):
        desk.undo()
    assert desk.state is None and len(review.states()) == 3
    desk.delete("P")
    assert desk.message == "there is no P"


def test_another_beside_a_detection(review):
    desk = Desk(review)
    desk.add(desk.item.end + SECOND)
    desk.put("P", desk.item.end + SECOND)
    assert len(review.states()) == 4 and desk.item.key in desk.beside()


def test_a_conflict_is_told_and_accepting_settles_it(review):
    desk = Desk(review)
    p = desk.state.p
    other = Journal(review.out.path)
    desk.put("P", p + 10_000_000)
    late = Review(review.out, other, review.queue, "ben")
    other.write("ben", desk.item.key, "p", p, p + 90_000_000)  # who had not seen it
    assert review.journal.refresh() == 1
    (told,) = desk.conflicts()
    assert "anna says" in told and "ben says" in told
    desk.judge("accepted")
    desk.show(0)
    assert not desk.conflicts() and desk.state.p == p + 90_000_000
    assert late.journal.refresh() and not late.journal.conflicts


def test_a_conflict_of_verdicts_is_settled_by_the_one_that_counts(review):
    desk = Desk(review)
    key, before = desk.item.key, review.judged()
    Journal(review.out.path).write("ben", key, "verdict", None, "rejected")
    review.journal.write("anna", key, "verdict", None, "accepted")  # who had not seen it
    assert desk.conflicts()
    desk.judge("accepted")
    desk.show(0)
    assert not desk.conflicts() and desk.state.verdict == "accepted" and review.judged() == before + 1

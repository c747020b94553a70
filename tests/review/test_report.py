"""Error rates from the random part: counts by hand, and intervals that hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from review_cases import AT, START, event, write_out

from minieqt.records.span import SECOND
from minieqt.review.journal import Journal
from minieqt.review.queue import MINUTE, draw_sample
from minieqt.review.report import describe, error_report, garwood
from minieqt.review.state import key_of, new_event, read_out, reviewed


def test_counts_by_hand(tmp_path):
    """Ten detections, all drawn: six right, one P moved by 0.2 s, one by 2 s, one rejected, one that nobody judged."""
    out = read_out(write_out(tmp_path, [event(60 * k, (1, 0.9)) for k in range(10)]))
    sample = draw_sample(out, {("XX", "AAA"): [(START.ns, START.ns + 30 * MINUTE)]}, 10, 4, 0)
    journal = Journal(tmp_path)
    for number, key in enumerate(sample.detections[:9]):
        p = out.events[key].p.time.ns
        if number in (6, 7):
            journal.write("anna", key, "p", p, p + {6: SECOND // 5, 7: 2 * SECOND}[number])
        journal.write("anna", key, "verdict", None, "rejected" if number == 8 else "accepted")
    for number, item in enumerate(sample.minutes):
        if number == 0:
            added = key_of(AT, item.start)
            journal.write("anna", added, "event", None, new_event(AT, item.start, item.start + SECOND))
            journal.write("anna", added, "p", None, item.start + SECOND)
            journal.write("anna", added, "verdict", None, "accepted")
        journal.write("anna", item.key, "verdict", None, "accepted")
    report = error_report(reviewed(out, journal), sample, journal)
    found = report["P"]
    assert (found["right"], found["wrong"], found["missed_in_detections"], found["missed_in_minutes"]) == (7, 2, 1, 1)
    assert report["detections"] == {"drawn": 10, "judged": 9, "all": 10}
    assert found["precision"]["value"] == 7 / 9
    R, M = 7 * 10 / 9, 1 * 10 / 9 + 1 * sample.all_minutes / 4
    assert found["recall"]["value"] == pytest.approx(R / (R + M))
    low, high = found["recall"]["interval"]
    assert low < R / (R + M) < high
    assert found["residual_s"]["mean"]["value"] == pytest.approx(-0.2 / 7)
    assert report["S"]["precision"] is None and report["detection"]["precision"]["value"] == 8 / 9
    assert "P: precision 0.778" in describe(report)


def test_what_was_judged_out_of_turn_does_not_count(tmp_path):
    out = read_out(write_out(tmp_path, [event(60 * k, (1, 0.9)) for k in range(4)]))
    sample, journal = draw_sample(out, {}, 4, 0, 0), Journal(tmp_path)
    for key in sample.detections[1:]:
        journal.write("anna", key, "verdict", None, "rejected")
    report = error_report(reviewed(out, journal), sample, journal)
    assert report["detections"]["judged"] == 0 and report["P"]["precision"] is None and report["P"]["recall"] is None
    journal.write("anna", sample.detections[0], "verdict", None, "unsure")
    report = error_report(reviewed(out, journal), sample, journal)
    assert report["detections"]["judged"] == 4 and report["unsure"] == 1 and report["P"]["wrong"] == 3


def test_garwood_holds_the_mean():
    """The textbook's values (Garwood 1936), and that a Poisson mean lies inside as often as it says."""
    assert garwood(0) == (0.0, pytest.approx(3.689, abs=1e-3))
    assert garwood(10) == pytest.approx((4.795, 18.39), abs=1e-2)
    counts = np.random.default_rng(0).poisson(3.0, 2000)
    inside = [low <= 3.0 <= high for low, high in map(garwood, counts.tolist())]
    assert np.mean(inside) >= 0.95


def test_intervals_hold_the_truth(tmp_path):
    """Draws of 40 from 400 detections and 40 of the quiet minutes, 60 times: the intervals hold the true values."""
    events = [event(120 * k, (1, 0.9)) for k in range(400)]
    out = read_out(write_out(tmp_path, events))
    rng = np.random.default_rng(5)
    good = {key: bool(rng.random() < 0.8) for key in out.events}
    recorded = {("XX", "AAA"): [(START.ns, START.ns + 800 * MINUTE)]}
    every = draw_sample(out, recorded, 0, 10**6, 0)
    holds_one = {item.key: bool(rng.random() < 0.1) for item in every.minutes}
    journal = Journal(tmp_path)
    held_precision = held_recall = 0
    right, missed = sum(good.values()), sum(holds_one.values())
    for seed in range(60):
        sample = draw_sample(out, recorded, 40, 40, seed)
        (tmp_path / "review.jsonl").unlink(missing_ok=True)
        journal = Judge(
            {key: "accepted" if good[key] else "rejected" for key in sample.detections}, sample.minutes, holds_one
        )
        report = error_report(reviewed(out, journal), sample, journal)["P"]
        held_precision += inside(report["precision"], right / len(events))
        held_recall += inside(report["recall"], right / (right + missed))
    assert held_precision >= 54 and held_recall >= 57


def inside(measure, truth):
    low, high = measure["interval"]
    return low <= truth <= high


class Judge:
    """A journal of somebody who has judged everything, without a disk."""

    def __init__(self, verdicts, minutes, holds_one):
        self.values = {(key, "verdict"): verdict for key, verdict in verdicts.items()}
        for item in minutes:
            self.values[item.key, "verdict"] = "accepted"
            if holds_one[item.key]:
                key = key_of(AT, item.start + 5)
                self.values[key, "event"] = new_event(AT, item.start + 5, item.start + SECOND)
                self.values[key, "p"] = item.start + 10 * SECOND
                self.values[key, "verdict"] = "accepted"

    def value(self, event, field, unless=None):
        return self.values.get((event, field), unless)

    def events(self):
        return dict.fromkeys(event for event, _ in self.values)

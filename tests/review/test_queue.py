"""What is looked at first, and what is drawn at random."""

from __future__ import annotations

from review_cases import AT, MINUTES, START, event, write_out

from minieqt.records.channel import Instrument
from minieqt.records.span import SECOND
from minieqt.review.queue import MINUTE, doubtful, draw_sample, make_queue
from minieqt.review.state import key_of, read_out

SURE = event(0, (1, 0.99), (3, 0.99), 0.99)
NEAR = event(60, (1, 0.11), (3, 0.9))
NO_S = event(120, (1, 0.9))
SPREAD = event(180, (1, 0.9), (3, 0.9), uncertainty=0.4)
EVENTS = [SURE, NEAR, NO_S, SPREAD]
RECORDED = {("XX", "AAA"): [(START.ns, START.ns + MINUTES * MINUTE)], ("XX", "BBB"): [(START.ns, START.ns + MINUTE)]}


def keys(*events):
    return [key_of(each.instrument, each.start.ns) for each in events]


def test_the_most_doubtful_first_and_why(tmp_path):
    items = doubtful(read_out(write_out(tmp_path, EVENTS)))
    order = [item.key for item in items]
    assert order[-1:] == keys(SURE) and items[-1].reasons == ()
    reasons = {item.key: item.reasons for item in items}
    told = [reasons[key] for key in keys(NEAR, NO_S, SPREAD)]
    assert told == [("near the threshold",), ("no S",), ("spread 0.40",)]
    assert [item.score for item in items] == sorted((item.score for item in items), reverse=True)


def test_another_network(tmp_path):
    moved = event(0, (2, 0.99), (3.2, 0.99), 0.99)  # P a second later, S within the tolerance
    alone = event(400, (1, 0.9))
    items = doubtful(read_out(write_out(tmp_path, EVENTS)), [moved, NEAR, NO_S, SPREAD, alone])
    by_key = {item.key: item for item in items}
    (sure,) = keys(SURE)
    assert by_key[sure].reasons == ("the other network differs in 1 of 2 picks",)
    extra = by_key.keys() - set(keys(*EVENTS))
    assert [by_key[key].reasons for key in extra] == [("found by the other network only",)]
    assert by_key[extra.pop()].start == alone.start.ns
    same = doubtful(read_out(tmp_path), EVENTS)
    assert [item.score for item in same] == [item.score for item in doubtful(read_out(tmp_path))]


def test_the_sample_is_the_seeds_and_its_beginning_is_a_smaller_one(tmp_path):
    out = read_out(write_out(tmp_path, [event(60 * k, (1, 0.9)) for k in range(8)]))
    small, large = draw_sample(out, RECORDED, 3, 2, 7), draw_sample(out, RECORDED, 6, 4, 7)
    assert large.detections[:3] == small.detections and large.minutes[:2] == small.minutes
    assert draw_sample(out, RECORDED, 6, 4, 7) == large != draw_sample(out, RECORDED, 6, 4, 8)
    assert len(set(large.detections)) == 6 and large.all_detections == 8
    assert len(draw_sample(out, RECORDED, 99, 99, 7).detections) == 8


def test_quiet_minutes_hold_no_detection(tmp_path):
    out = read_out(write_out(tmp_path, EVENTS))
    sample = draw_sample(out, RECORDED, 0, 99, 0)
    starts = {item.start for item in sample.minutes}
    # a detection at a minute's start has its margin in the one before; the station BBB was recorded, not picked
    busy = {START.ns + k * MINUTE for k in range(4)}
    assert starts == {START.ns + k * MINUTE for k in range(MINUTES)} - busy and sample.all_minutes == len(starts)
    assert all(item.quiet and item.sample and item.end - item.start == 60 * SECOND for item in sample.minutes)


def test_a_picked_station_without_detections_has_quiet_minutes_too(tmp_path):
    other = Instrument("XX", "BBB", "", "HH")
    out = read_out(write_out(tmp_path, [event(0, at=other)]))
    minutes = draw_sample(out, RECORDED, 0, 99, 0).minutes
    assert {item.instrument for item in minutes} == {Instrument("XX", "AAA", "", "")}
    assert len(minutes) == MINUTES


def test_what_is_doubtful_and_drawn_stands_once(tmp_path):
    out = read_out(write_out(tmp_path, EVENTS))
    sample = draw_sample(out, RECORDED, 3, 1, 0)
    queue = make_queue(out, sample, 2)
    assert len({item.key for item in queue}) == len(queue)
    assert {item.key for item in queue if item.sample} == {*sample.detections, sample.minutes[0].key}
    assert [item.key for item in queue[:2]] == [item.key for item in doubtful(out)[:2]]
    assert AT in {item.instrument for item in queue}

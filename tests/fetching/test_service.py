"""A service that is busy, cuts connections, talks nonsense, wants smaller requests, or has nothing."""

from __future__ import annotations

import pytest
from centre import DAY, RATE, Centre

from minieqt.errors import UserError
from minieqt.fetching.plan import Region, Task, Wanted
from minieqt.fetching.service import Refusal, Service
from minieqt.records.mseed import scan

CHANNELS = (("00", "HHE"), ("00", "HHN"), ("00", "HHZ"))
TASK = Task("XX", "AAA", CHANNELS, DAY.ns, (DAY + 86400).ns)
WANTED = Wanted("*", "*", ("HH?",), DAY.ns, (DAY + 86400).ns, Region())


@pytest.fixture
def waits():
    return []


@pytest.fixture
def service(centre, waits):
    return Service(centre.address, timeout=2, wait=waits.append)


def samples(data):
    return scan(data).records["samples"].sum()


def test_a_day_of_three_components_is_one_request(centre, service, waits):
    assert samples(service.waveforms(TASK)) == 3 * 86400 * RATE
    assert len(centre.asked) == 1 and not waits


@pytest.mark.parametrize("fault", [429, 500, 503, "cut", "nonsense"])
def test_asked_again_after_a_while(centre, service, waits, fault):
    centre.faults = [fault, fault]
    assert samples(service.waveforms(TASK)) == 3 * 86400 * RATE
    assert waits == [2, 4]


def test_too_slow(centre, waits):
    centre.faults = ["slow"]
    service = Service(centre.address, timeout=0.5, wait=waits.append)
    assert samples(service.waveforms(TASK)) == 3 * 86400 * RATE
    assert waits == [2]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(503, "Service"), ("nonsense", "no miniSEED, or was cut off"), ("cut", "no miniSEED, or was cut off")],
)
def test_given_up_for_now(centre, service, waits, fault, reason):
    centre.faults = [fault] * 5
    with pytest.raises(Refusal, match=reason) as refusal:
        service.waveforms(TASK)
    assert not refusal.value.final and "(5 tries)" in refusal.value.reason and waits == [2, 4, 8, 16]


@pytest.mark.parametrize(("status", "reason"), [(204, "no data"), (401, "not open"), (403, "not open"), (400, "bad")])
def test_given_up_for_good(centre, service, waits, status, reason):
    centre.faults = [status]
    with pytest.raises(Refusal, match=reason) as refusal:
        service.waveforms(TASK)
    assert refusal.value.final and not waits


def test_what_is_too_large_is_asked_for_in_halves(centre, service):
    centre.longest = 86400 / 4
    assert samples(service.waveforms(TASK)) == 3 * 86400 * RATE
    assert (centre.statuses[413], len(centre.asked)) == (3, 7)
    centre.longest = 1
    with pytest.raises(Refusal, match="smallest request too large"):
        service.waveforms(TASK)


@pytest.mark.parametrize("status", [400, 403])
def test_half_a_day_that_is_refused_is_not_passed_over(centre, service, status):
    centre.longest, centre.faults = 43200, [None, status]
    with pytest.raises(Refusal, match="not open" if status == 403 else "bad"):
        service.waveforms(TASK)
    centre.faults = [None, 204]
    assert samples(service.waveforms(TASK)) == 3 * 43200 * RATE


def test_stations(centre, service):
    inventory = service.stations(WANTED)
    assert [network.stations[0].code for network in inventory] == ["AAA", "BBB"]
    centre.inventory.networks = []
    assert not service.stations(WANTED).networks


def test_nobody_answers():
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9999 cannot be reached: No FDSN services"):
        Service("http://127.0.0.1:9999", timeout=1)
    with pytest.raises(UserError, match="NOBODY cannot be reached: The FDSN service shortcut"):
        Service("NOBODY")


def test_stations_of_a_broken_service(centre, service, monkeypatch):
    monkeypatch.setattr(Centre, "inventory", property(lambda self: 1 / 0), raising=False)
    with pytest.raises(UserError, match="stations: "):
        service.stations(WANTED)

"""Tables and QuakeML: what was written is what is read."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime, read_events
from obspy.core.inventory import Channel, Inventory, Network, Station
from obspy.io import quakeml
from obspy.io.quakeml.core import _validate
from records import START

from minieqt.errors import UserError
from minieqt.picking.events import Event, Pick
from minieqt.picking.results import EQTRANSFORMER_COLUMNS, Events, Picks, write_tables
from minieqt.records.channel import Instrument
from minieqt.records.stations import Coordinates, Epoch

code = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=5)
instruments = st.builds(Instrument, code, code, st.sampled_from(["", "00", "10"]), st.sampled_from(["HH", "EH", ""]))
moments = st.integers(0, 2 * 10**9 * 10**6).map(lambda microseconds: UTCDateTime(ns=1000 * microseconds))
probability = st.integers(1, 10**4).map(lambda n: n / 10**4)
decibels = st.none() | st.integers(-500, 900).map(lambda n: n / 10)


@st.composite
def events(draw):
    at, start = draw(instruments), draw(moments)

    def pick(phase):
        numbers = (draw(probability), draw(st.none() | probability), draw(probability), draw(decibels))
        return Pick(at, f"{at.band}Z", phase, start + draw(st.integers(-100, 6000)) / 100, *numbers)

    p = pick("P") if draw(st.booleans()) else None
    s = pick("S") if draw(st.booleans()) else None
    end = start + draw(st.integers(10, 6000)) / 100
    return Event(at, start, end, draw(probability), draw(st.none() | probability), p, s)


some = st.lists(events(), max_size=5).map(Events)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@given(some)
@settings(deadline=None, max_examples=50)
def test_picks_there_and_back(folder, found):
    found.to_csv_of_picks(folder / "picks.csv")
    assert Picks.from_csv(folder / "picks.csv") == found.picks()
    found.picks().to_csv(folder / "plain.csv")
    assert Picks.from_csv(folder / "plain.csv") == found.picks()


@given(some)
@settings(deadline=None, max_examples=25)
def test_quakeml_there_and_back(folder, found):
    found.to_quakeml(folder / "picks.xml")
    again = read_events(folder / "picks.xml")
    assert len(again) == len(found)
    for event, other in zip(found, again, strict=True):
        assert not other.origins and other.event_type_certainty == "suspected"
        assert "candidate" in other.comments[0].text
        assert len(event.picks()) == len(other.picks)
        for pick, one in zip(event.picks(), other.picks, strict=True):
            at = pick.instrument
            assert (one.time, one.phase_hint) == (pick.time, pick.phase)
            assert one.time_errors.uncertainty == pick.time_uncertainty
            assert one.waveform_id.network_code == at.network and one.waveform_id.station_code == at.station
            assert (one.waveform_id.location_code or "") == at.location
            assert one.waveform_id.channel_code == pick.channel and one.evaluation_mode == "automatic"


@given(some)
@settings(deadline=None, max_examples=25)
def test_quakeml_is_what_obspy_would_write(folder, found):
    found.to_quakeml(folder / "picks.xml")
    read_events(folder / "picks.xml").write(str(folder / "again.xml"), format="QUAKEML")
    assert (folder / "again.xml").read_bytes() == (folder / "picks.xml").read_bytes()


ODD = ["A B", "Ä1", "A/B", "A&B<", "50%", "a~b", "TOOLONGACODE", "", "\x00\x01", "a'b\"c", "+1", "?"]


@pytest.mark.parametrize("name", ODD)
def test_quakeml_is_valid_whatever_the_codes(tmp_path, name):
    at = Instrument(name, name or "A", name, "HH")
    picks = [Pick(at, f"HH{name}Z", phase, START, 0.9, None, 0.1, 1.0) for phase in "PS"]
    found = Events([Event(at, START, START + 7, 0.9, None, *picks)])
    found.to_quakeml(tmp_path / "picks.xml")
    assert _validate(str(tmp_path / "picks.xml"))
    (event,) = read_events(tmp_path / "picks.xml")
    assert len({pick.resource_id.id for pick in event.picks}) == 2
    xsd = Path(quakeml.__file__).parent / "data/QuakeML-BED-1.2.xsd"
    pattern = re.search(r'pattern value="(\(smi.*?)"', xsd.read_text())[1].replace("&amp;", "&")
    for each in (event, *event.picks):
        assert re.fullmatch(pattern, each.resource_id.id, re.ASCII)


DAY = 86400 * 10**9


apart = st.lists(events(), max_size=12, unique_by=lambda event: (event.start.ns, event.instrument))  # as they come


@given(apart, st.lists(events(), max_size=3))
@settings(deadline=None, max_examples=25)
def test_day_by_day_is_as_in_one(folder, found, more):
    """Whatever day an event belongs to, and however far its picks lie beside it; `others` lie in their own day."""
    whole = Events(sorted(found, key=lambda event: (event.start.ns, event.instrument)))
    whole.others = [pick for event in more for pick in event.picks()]
    starts = {event.start.ns // DAY for event in found} | {pick.time.ns // DAY for pick in whole.others}
    days = []
    for day in sorted(starts):
        events_of = Events(event for event in reversed(whole) if event.start.ns // DAY == day)
        events_of.others = [pick for pick in whole.others if pick.time.ns // DAY == day]
        days.append((day * DAY, events_of))
    (folder / "streamed").mkdir(exist_ok=True)
    write_tables(days, folder / "streamed", Coordinates())
    whole.to_csv_of_picks(folder / "picks.csv")
    whole.to_csv(folder / "X_prediction_results.csv")
    whole.to_quakeml(folder / "picks.xml")
    whole.picks().to_association(folder / "association.csv")
    whole.picks().to_gamma(folder / "association_gamma.csv")
    for path in (folder / "streamed").iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_no_table_is_half_written(tmp_path):
    """What fails on the way leaves the tables as they were."""

    def days():
        yield START.ns, one_event()
        raise UserError("a day that cannot be read")

    (tmp_path / "picks.csv").write_text("before")
    with pytest.raises(UserError):
        write_tables(days(), tmp_path, Coordinates())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("picks.csv", "before")]


VELOCITIES = {"P": 6.0, "S": 6.0 / 1.75}  # km/s


def one_event():
    at = Instrument("XX", "ABC", "00", "HH")
    p = Pick(at, "HHZ", "P", START, 0.876, None, 0.1, 12.34)
    return Events([Event(at, START + 0.04, START + 7, 0.9, None, p, None)])


def test_eqtransformers_columns(tmp_path):
    one_event().to_csv(tmp_path / "x.csv", Coordinates({("XX", "ABC"): [Epoch(None, None, (47.5, 12.25, 860.0))]}))
    with (tmp_path / "x.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert list(row) == EQTRANSFORMER_COLUMNS and len(row) == 19
    assert row["event_start_time"] == "2022-02-06 02:30:00.163400" and row["s_arrival_time"] == ""
    assert (row["station_lat"], row["station_lon"], row["station_elv"]) == ("47.50000", "12.25000", "860.0")
    assert (row["p_arrival_time"], row["p_probability"]) == ("2022-02-06 02:30:00.123400", "0.88")
    assert (row["p_snr"], row["instrument_type"], row["detection_probability"]) == ("12.3", "HH", "0.90")


def test_association(tmp_path):
    """The columns that PyOcto and GaMMA name; none is there twice once PyOcto's `associate_gamma` has renamed them."""
    one_event().picks().to_association(tmp_path / "a.csv")
    one_event().picks().to_gamma(tmp_path / "g.csv")
    ours, gamma = {}, {}
    for found, name in ((ours, "a.csv"), (gamma, "g.csv")):
        with (tmp_path / name).open() as file:
            (row,) = csv.DictReader(file)
        found |= row
    assert (ours["station"], ours["phase"], ours["probability"]) == ("XX.ABC.00", "P", "0.8760")
    assert abs(float(ours["time"]) - START.timestamp) < 0.001
    assert (gamma["id"], gamma["type"], gamma["prob"]) == ("XX.ABC.00", "p", "0.8760")
    assert UTCDateTime(gamma["timestamp"]) == START
    renamed = [{"timestamp": "time", "type": "phase", "id": "station"}.get(name, name) for name in gamma]
    assert len(set(renamed)) == len(renamed)


@pytest.fixture
def network(tmp_path):
    """PyOcto and its table of six stations of an ObsPy inventory; an earthquake there in a.csv and g.csv."""
    pyocto, pandas = pytest.importorskip("pyocto"), pytest.importorskip("pandas")
    stations = [Station(f"A{i}", 46 + 0.1 * math.sin(i), -122 + 0.1 * math.cos(i), 0) for i in range(6)]
    locations = ["", "00"] * 3
    for station, location in zip(stations, locations, strict=True):
        station.channels = [Channel("HHZ", location, station.latitude, station.longitude, 0, 0)]
    near = pandas.DataFrame({"latitude": [46.1, 45.9], "longitude": [-121.9, -122.1]})
    associator = pyocto.OctoAssociator(
        xlim=(-30, 30),
        ylim=(-30, 30),
        zlim=(0, 30),
        time_before=30,
        velocity_model=pyocto.VelocityModel0D(*VELOCITIES.values(), 1.0),
        crs=pyocto.OctoAssociator.get_crs(near),
    )
    table, picks = associator.inventory_to_df(Inventory([Network("XX", stations)])), Picks()
    for station, location in zip(stations, locations, strict=True):
        (at,) = table[table.id == f"XX.{station.code}.{location}"].to_dict("records")
        km, instrument = (
            math.hypot(at["x"] - 3, at["y"] + 2, at["z"] - 8),
            Instrument("XX", station.code, location, "HH"),
        )
        picks += [
            Pick(instrument, "HHZ", phase, START + km / v, 0.9, None, 0.1, 9.0) for phase, v in VELOCITIES.items()
        ]
    picks.to_association(tmp_path / "a.csv")
    picks.to_gamma(tmp_path / "g.csv")
    return associator, table


def gammas(folder, table):
    """The picks and the stations as GaMMA takes them: z is the elevation."""
    stations = table.assign(z=-table.z).rename(columns={axis: f"{axis}(km)" for axis in "xyz"})
    return pytest.importorskip("pandas").read_csv(folder / "g.csv", parse_dates=["timestamp"]), stations


def test_pyocto_reads_them(tmp_path, network):
    associator, table = network
    ours = associator.associate(pytest.importorskip("pandas").read_csv(tmp_path / "a.csv"), table)
    for events, assignments in (ours, associator.associate_gamma(*gammas(tmp_path, table))):
        assert len(events) == 1 and abs(events.time[0] - START.timestamp) < 1
        assert len(assignments) == 12 and (assignments.residual.abs() < 1).all()


def test_gamma_reads_them(tmp_path, network):
    association = pytest.importorskip("gamma.utils").association
    axes = {"x(km)": (-30, 30), "y(km)": (-30, 30), "z(km)": (0, 30)}
    config = axes | {
        "dims": list(axes),
        "vel": {phase.lower(): velocity for phase, velocity in VELOCITIES.items()},
        "bfgs_bounds": [*axes.values(), (None, None)],
        "use_amplitude": False,
        "min_picks_per_eq": 6,
        "max_sigma11": 2.0,
        "oversample_factor": 5,
    }
    events, assignments = association(*gammas(tmp_path, network[1]), config)
    assert len(events) == 1 and len(assignments) == 12
    assert abs(UTCDateTime(events[0]["time"]) - START) < 1


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "network,station\nXX,ABC\n"])
def test_another_table(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    if text:
        with pytest.raises(UserError, match="not a table of picks"):
            Picks.from_csv(tmp_path / "t.csv")
    else:
        assert Picks.from_csv(tmp_path / "t.csv") == []

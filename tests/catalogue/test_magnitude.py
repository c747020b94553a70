"""Local magnitudes of an earthquake whose ground motion is known, at instruments of several kinds."""

from __future__ import annotations

import numpy as np
import pytest
from network import example
from obspy import Trace, UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Response, Station
from obspy.signal.invsim import corn_freq_2_paz

from minieqt.catalogue.magnitude import local_magnitude, read_responses, with_magnitudes
from minieqt.catalogue.report import magnitude_lines
from minieqt.errors import UserError

RATE, FREQUENCY = 100.0, 2.0  # Hz
GROUND = 3e-6  # m, of each horizontal component
TURN = 2 * np.pi * FREQUENCY


def test_the_scale_is_that_of_hutton_and_boore():
    assert local_magnitude(1, 100) == pytest.approx(3)
    assert local_magnitude(10, 17) == pytest.approx(3, abs=0.02)  # what they tie it to


def paper(metres):
    """mm that a Wood-Anderson seismograph writes of a steady oscillation: a damped pendulum's equation."""
    own = 2 * np.pi / 0.8
    return 1000 * 2080 * metres * TURN**2 / abs(own**2 - TURN**2 + 2j * 0.8 * own * TURN)


def motion(each, arrivals, rng, noise):
    """Ground displacement (m) from a minute before the earthquake on: a swell around S."""
    start = UTCDateTime(ns=each.time) - 60
    s = next(UTCDateTime(ns=at.onset.time) for at in arrivals if at.onset.phase == "S") - start
    t = np.arange(0, 120, 1 / RATE)
    swell = np.exp(-(((t - s - 2) / 1.5) ** 2))
    return start, t, GROUND * swell * np.sin(TURN * t) + noise * rng.normal(size=len(t))


def write(folder, each, rng, station, band, noise=1e-11, components="ENZ", hole=False):
    """Counts of a seismometer (HH, a corner at 1 Hz) or of an accelerometer (HN)."""
    arrivals = [at for at in each.arrivals if at.onset.station == station]
    start, t, x = motion(each, arrivals, rng, noise)
    ratio = np.fft.rfftfreq(4 * len(t), 1 / RATE)
    response = response_of(band)
    output = {"HH": "VEL", "HN": "ACC"}[band]
    derivative = (2j * np.pi * ratio) ** {"VEL": 1, "ACC": 2}[output]
    spectrum = np.fft.rfft(x, 4 * len(t)) * derivative
    spectrum[1:] *= response.get_evalresp_response_for_frequencies(ratio[1:], output)
    counts = np.fft.irfft(spectrum)[: len(t)]
    for component in components:
        header = {"network": "XX", "station": station, "channel": band + component, "sampling_rate": RATE}
        trace = Trace(counts.astype(np.float32), header | {"starttime": start})
        pieces = [trace.slice(None, start + 60), trace.slice(start + 70)] if hole else [trace]
        for n, piece in enumerate(pieces):
            piece.write(str(folder / f"{trace.id}.{n}.mseed"), format="MSEED")


def response_of(band):
    """Of a seismometer with a corner within the band that counts, or of an accelerometer."""
    paz = corn_freq_2_paz(1.0) if band == "HH" else {"zeros": [], "poles": []}
    gain, units = (5e8, "M/S") if band == "HH" else (2e5, "M/S**2")
    frequencies = {"stage_gain_frequency": 10.0, "normalization_frequency": 10.0}
    return Response.from_paz(paz["zeros"], paz["poles"], gain, input_units=units, output_units="COUNTS", **frequencies)


def inventory(each, path, bands):
    stations = []
    for station, band in bands.items():
        at = next(at for at in each.arrivals if at.onset.station == station).place
        channels = [
            Channel(f"{band or 'HH'}{c}", "", *at, 0.0, sample_rate=RATE, response=response_of(band) if band else None)
            for c in "ENZ"
        ]
        stations.append(Station(station, *at, channels=channels))
    Inventory([Network("XX", stations)]).write(str(path), format="STATIONXML")
    return path


def test_two_kinds_of_instruments_write_the_same(tmp_path, rng):
    each = example(rng)
    for station, band in (("ST00", "HH"), ("ST01", "HN")):
        write(tmp_path, each, rng, station, band)
    responses = inventory(each, tmp_path / "stations.xml", {"ST00": "HH", "ST01": "HN"})
    (found,), without = with_magnitudes([each], [tmp_path], read_responses(responses), tmp_path / "out")
    assert [(at.station, at.band) for at in found.amplitudes] == [("ST00", "HH"), ("ST01", "HN")]
    for at in found.amplitudes:
        assert at.millimetres == pytest.approx(paper(GROUND), rel=0.05)
        where = next(arrival for arrival in each.arrivals if arrival.onset.station == at.station)
        assert at.distance == pytest.approx(np.hypot(where.distance, each.depth + 0.5), rel=1e-6)
        assert at.magnitude == local_magnitude(at.millimetres, at.distance)
    assert found.magnitude == pytest.approx(np.mean([at.magnitude for at in found.amplitudes]))
    assert without == {"station without records": 2}


def test_an_accelerometer_stands_in_for_a_seismometer_that_gives_no_amplitude(tmp_path, rng):
    """One without a response, one with a gap."""
    each = example(rng)
    for station, hole in (("ST00", False), ("ST01", True)):
        write(tmp_path, each, rng, station, "HH", hole=hole)
        write(tmp_path, each, rng, station, "HN")
    responses = inventory(each, tmp_path / "stations.xml", {"ST00": "HN", "ST01": "HN"})
    (found,), without = with_magnitudes([each], [tmp_path], read_responses(responses), tmp_path / "out")
    assert [(at.station, at.band) for at in found.amplitudes] == [("ST00", "HN"), ("ST01", "HN")]
    for at in found.amplitudes:
        assert at.millimetres == pytest.approx(paper(GROUND), rel=0.05)
    assert without == {"station without records": 2}


def test_stations_without_an_amplitude_are_counted(tmp_path, rng):
    each = example(rng)
    write(tmp_path, each, rng, "ST00", "HH", noise=1e-6)
    write(tmp_path, each, rng, "ST01", "HH", components="Z")
    write(tmp_path, each, rng, "ST02", "HH", hole=True)
    write(tmp_path, each, rng, "ST03", "HH")
    responses = inventory(each, tmp_path / "stations.xml", {"ST00": "HH", "ST01": "HH", "ST02": "HH", "ST03": ""})
    (found,), without = with_magnitudes([each], [tmp_path], read_responses(responses), tmp_path / "out")
    assert found.magnitude is None
    assert without == {
        "amplitude that does not stand out of the noise": 1,
        "station without horizontal records": 1,
        "gap in the records": 1,
        "station without a response": 1,
    }
    told = magnitude_lines([found], without)
    assert "0 of 1" in told and "1 × station without a response" in told


def test_an_inventory_without_responses_is_one_line(tmp_path, rng):
    each = example(rng)
    path = inventory(each, tmp_path / "stations.xml", {"ST00": ""})
    with pytest.raises(UserError, match="no instrument's response"):
        read_responses(path)

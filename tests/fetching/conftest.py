"""A data centre for every test."""

from __future__ import annotations

from importlib.resources import files

import pytest


@pytest.fixture
def centre():
    """XX.AAA with three components at two locations, an accelerometer, and XX.BBB with a short-period vertical."""
    from centre import Centre, station  # needs ObsPy, which may be missing

    wadl = files("obspy.clients.fdsn").joinpath("tests", "data", "2014-01-07_iris_station.wadl")
    if not wadl.is_file():
        pytest.skip("this ObsPy came without its tests' data")
    channels = ["00.HHZ", "00.HHN", "00.HHE", "10.HHZ", "00.HNZ", "00.HNN", "00.HNE"]
    held = Centre([station("AAA", *channels), station("BBB", ".EHZ")])
    yield held
    held.shutdown()
    held.server_close()

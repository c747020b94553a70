"""The benchmark of records from elsewhere: which records, and when two stations agree."""

from __future__ import annotations

import io
from zipfile import ZipFile

import elsewhere
import numpy as np
from obspy import Stream, Trace


def test_onsets_near_one_of_another_station_are_counted():
    days = [np.array([100.0, 500.0, 900.0]), np.array([104.0, 506.0]), np.array([101.0, 86399.0])]
    assert elsewhere.shared(days) == 3  # 100, 104 and 101; 500 and 506 are more than NEAR apart
    assert elsewhere.shared([np.array([1.0, 2.0]), np.array([])]) == 0  # of one station alone
    assert elsewhere.shared([np.array([86399.0]), np.array([99.0])], turn=-99.0) == 0
    assert elsewhere.shared([np.array([0.0]), np.array([86300.0])], turn=100.0) == 2  # a day is turned round


def test_records_are_known_by_their_paths(tmp_path):
    """A copy of another record and what is no record are left alone."""
    buffer = io.BytesIO()
    Stream([Trace(np.arange(100.0))]).write(buffer, format="MSEED")
    with ZipFile(tmp_path / "sprit-1.0-py3-none-any.whl", "w") as file:
        for path in (
            "a/SampleHVSRSite03.mseed",
            "b/SampleHVSRSite13.MSEED",
            "b/SampleHVSRSite12.MSEED",
            "c/Site01.json",
        ):
            file.writestr(path, buffer.getvalue())
    found = elsewhere.records(tmp_path, *elsewhere.CITY)
    assert list(found) == ["Site03", "Site12"]
    np.testing.assert_array_equal(found["Site12"][0].data, np.arange(100.0))

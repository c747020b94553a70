"""One moment in every form in which tables give it, and what is no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minieqt.tables.times import EPOCH, month_first, nanoseconds, time_of, times

MOMENT = datetime(2022, 2, 6, 2, 31, 29, 320000)


@pytest.mark.parametrize(
    "text",
    """2022-02-06T02:31:29.32Z|2022-02-06 02:31:29.320000|2022-02-06T02:31:29.32+00:00|2022-02-06T04:31:29.32+02:00
    2022-02-05T18:31:29.32-0800|2022/02/06 02:31:29.32|2022/2/6 2:31:29.32|2022.02.06T02:31:29,32
    06/02/2022 02:31:29.32|6-2-2022 2:31:29.32|06/02/2022 2:31:29.32 AM|2022-037T02:31:29.32|2022,037,02:31:29.32
    1644114689.32|1644114689.320000000|1644114689320|1644114689320.0|1644114689320000|1644114689320000000
    1.64411468932e9|20220206023129.32|20220206023129.320000|20220206023129320|20220206T023129.32Z
    20220206_023129.32""".replace("\n", "|").split("|"),
)
def test_every_form_of_a_moment(text):
    assert time_of(f" {text.strip()} ") == MOMENT


@pytest.mark.parametrize(
    "text, time",
    [
        ("20220206", datetime(2022, 2, 6)),
        ("202202060231", datetime(2022, 2, 6, 2, 31)),
        ("2022-02-06", datetime(2022, 2, 6)),
        ("27/10/2016 19:12", datetime(2016, 10, 27, 19, 12)),
        ("2016-12-31T23:59:60.5", datetime(2017, 1, 1, 0, 0, 0, 500000)),
        ("06/02/2022 11:31 PM", datetime(2022, 2, 6, 23, 31)),
        ("-600000000", datetime(1950, 12, 27, 13, 20)),
    ],
)
def test_what_is_left_out_is_zero(text, time):
    assert time_of(text) == time


@pytest.mark.parametrize("text", ["", "NA", "None", "nan", "NaT", "-"])
def test_nothing_known(text):
    assert time_of(text) is None


@pytest.mark.parametrize(
    "text",
    """soon 700 0 -1 1e400 5e9 20221399 99991231 1850-01-01 2150-01-01T00:00:00 2022-02-30 31/13/2022 2022-400T00:00
    2022-02-06T25:00 12345678901234567890123 1e99999999 2022 99999999999999""".split(),
)
def test_no_time(text):
    with pytest.raises(ValueError, match="is no time between 1900 and 2100"):
        time_of(text)


@given(st.text(max_size=40))
def test_whatever_it_is_there_is_no_other_error(text):
    try:
        time = time_of(text)
    except ValueError:
        return
    assert time is None or 1900 <= time.year < 2100


# From 2030 to 2036, units since 1970 may have the digits of a date, as which they are read.
@given(st.datetimes(datetime(1974, 1, 1), datetime(2030, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_units_and_zones_agree(time, minutes):
    microseconds = (time - EPOCH) // timedelta(microseconds=1)
    assert nanoseconds(time) == 1000 * microseconds
    zone = timezone(timedelta(minutes=minutes))
    texts = [time.isoformat(), time.replace(tzinfo=UTC).astimezone(zone).isoformat(), f"{time:%Y%m%d%H%M%S.%f}"]
    texts += [
        f"{microseconds // 10**6}.{microseconds % 10**6:06d}",
        f"{1000 * microseconds}",
        f"{time:%Y/%m/%d %H:%M:%S.%f}",
    ]
    assert {time_of(text) for text in texts} == {time}


def test_a_column_says_whether_the_month_comes_first():
    american = ["03/04/2022 10:00", "NA", "12/31/2022"]
    assert month_first(american) and not month_first(["03/04/2022", "31/12/2022"]) and not month_first(["03/04/2022"])
    assert times(american).tolist() == [datetime(2022, 3, 4, 10), None, datetime(2022, 12, 31)]
    assert times(["03/04/2022", "31/12/2022"]).tolist() == [datetime(2022, 4, 3), datetime(2022, 12, 31)]


def test_a_column_of_the_table():
    found = times(["2006-07-23 15:59:00.960000", "27/10/2016 19:12", "2007/01/01 01:42:45.08", "", "soon"])
    assert found.dtype == "M8[us]" and np.isnat(found[3:]).all()
    assert found[0] == np.datetime64("2006-07-23T15:59:00.96") and found[2] == np.datetime64("2007-01-01T01:42:45.08")

"""The traps in STEAD's CSV, and which rows are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minieqt.data.stead_csv import COLUMNS, read_columns, read_csv
from minieqt.errors import UserError

HEADER = "trace_name,trace_category,p_arrival_sample,s_arrival_sample,coda_end_sample,snr_db,source_id\n"


def csv_of(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(header + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_there_are_35_columns():
    assert len(COLUMNS) == len(set(COLUMNS)) == 35
    assert COLUMNS[0] == "network_code" and COLUMNS[-1] == "trace_name"


def test_absent_columns_and_literal_none(tmp_path):
    path = csv_of(
        tmp_path,
        "A.XX_1_EV,earthquake_local,700.5,1200.25,[[1900.]],[1. 2. 3.],e1",
        "A.XX_2_EV,,700,1200,None,None,None",
        "A.XX_3_NO,noise,,,,,e1",
        "A.XX_4_NO,,,,,,",
    )
    table, _, skipped, _ = read_csv(path)
    assert not skipped
    assert table.earthquake.tolist() == [True, True, False, False]
    np.testing.assert_array_equal(table.p_sample, [700.5, 700, np.nan, np.nan])
    np.testing.assert_array_equal(table.s_sample, [1200.25, 1200, np.nan, np.nan])
    np.testing.assert_array_equal(table.coda_end, [1900, 1400, np.nan, np.nan])  # S + 0.4 (S − P) where absent
    np.testing.assert_array_equal(table.snr_db, [[1, 2, 3]] + [[np.nan] * 3] * 3)
    assert table.event.tolist() == ["e1", "A.XX_2_EV", "e1", "A.XX_4_NO"]
    assert table.station.tolist() == [""] * 4 and np.isnat(table.start_time).all()
    assert np.isnan(table.magnitude).all() and np.isnan(table.distance_km).all()


@pytest.mark.parametrize("nothing", ["", "None", "nan", "NaN", "NA", "N/A", "null", "NULL", "-", "-1"])
def test_every_word_for_nothing_is_nothing(tmp_path, nothing):
    """Noise windows whose source_id says nothing are events of their own, and a split deals them out one by one."""
    noise = [f"A.XX_{i}_NO,noise,{nothing},{nothing},{nothing},{nothing},{nothing}" for i in range(3)]
    earthquake = f"A.XX_1_EV,{'' if nothing == '-1' else nothing},700,{nothing},{nothing},,{nothing}"
    table, _, skipped, _ = read_csv(csv_of(tmp_path, *noise, earthquake))
    assert not skipped and table.event.tolist() == table.name.tolist()
    assert table.earthquake.tolist() == [False] * 3 + [True]
    assert table.p_sample[3] == 700 and np.isnan(table.s_sample[3]) and table.coda_end[3] == 6000


def test_a_station_may_be_called_like_a_word_for_nothing(tmp_path):
    header = HEADER.replace("\n", ",network_code,receiver_code\n")
    codes = [("II", "NIL"), ("nan", "A")]
    lines = [f"{i},noise,,,,,,{network},{station}" for i, (network, station) in enumerate(codes)]
    assert read_csv(csv_of(tmp_path, *lines, header=header))[0].station.tolist() == ["II.NIL", "A"]


def test_a_coda_that_cannot_be_is_replaced(tmp_path):
    rows = [f"A.XX_{i}_EV,,700,{s},{coda},,\n" for i, (s, coda) in enumerate([(1200, 900), (5900, ""), (1200, 7000)])]
    table, *_ = read_csv(csv_of(tmp_path, "".join(rows).rstrip("\n")))
    assert table.coda_end.tolist() == [1400, 6000, 6000]


def test_rows_left_out_are_counted_and_the_first_is_named(tmp_path):
    path = csv_of(
        tmp_path,
        "good_EV,,700,1200,,,",
        "",
        "no_s_EV,,700,,,,",
        "no_p_EV,,None,1200,,,",
        "neither_EV,,None,,,,",
        "late_EV,,700,6000,,,",
        "early_EV,,-5,1200,,,",
        "turned_EV,,1200,700,,,",
        "what,,700,1200,,,",
        "cut_EV,,700",
    )
    table, _, skipped, first = read_csv(path)
    assert table.name.tolist() == ["good_EV", "no_s_EV", "no_p_EV"] and table.earthquake.all()
    np.testing.assert_array_equal(table.p_sample, [700, 700, np.nan])
    np.testing.assert_array_equal(table.s_sample, [1200, np.nan, 1200])
    assert table.coda_end.tolist() == [1400, 6000, 6000]
    assert skipped == {
        "earthquake without P and S": 1,
        "arrival outside the window": 2,
        "S not after P": 1,
        "neither earthquake nor noise": 1,
        "row with too few or too many fields": 1,
    }
    assert first["earthquake without P and S"] == "neither_EV" and first["arrival outside the window"] == "late_EV"
    assert first["row with too few or too many fields"] == "line 11"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "has no column trace_name, p_arrival_sample, s_arrival_sample"),
        ("trace_name,p_arrival_sample\n", "has no column s_arrival_sample"),
        (HEADER, "no usable row; give"),
        (HEADER + "A_EV,,9000,9100,,,\n", r"no usable row \(1 × arrival outside the window \(first A_EV\)\)"),
        ("\x89HDF\r\n\x1a\n", "not a CSV file"),
        (HEADER + "A\xff", "not a CSV file"),
    ],
)
def test_a_csv_that_cannot_be_used(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=message) as caught:
        read_csv(path)
    assert "\n" not in str(caught.value) and "bad.csv" in str(caught.value)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = csv_of(tmp_path, "A_EV,,700,1200,,,", header="\ufeff" + HEADER)
    assert read_csv(path)[0].name.tolist() == ["A_EV"]


def test_a_name_that_comes_twice_counts_once(tmp_path):
    path = csv_of(tmp_path, "A_EV,,700,1200,,,", "A_EV,,900,1200,,,", "B_EV,,700,1200,,,")
    table, _, skipped, _ = read_csv(path)
    assert table.name.tolist() == ["A_EV", "B_EV"] and table.p_sample.tolist() == [700, 700]
    assert skipped == {"name that stands in the CSV twice": 1}
    assert read_columns(path, ["p_arrival_sample"]) == {"A_EV": ["700"], "B_EV": ["700"]}  # of the same rows


@pytest.mark.parametrize(
    "column, text, reason",
    [
        ("sampling_rate", "0", "sampling rate of 0 Hz"),
        ("sampling_rate", "50 Hz", "sampling rate that is no number"),
        ("trace_dt_s", "0", "sampling rate that is no number"),
        ("trace_dt_s", "-0.01", "sampling rate that is no number"),
        ("sampling_rate", "-5", "sampling rate of -5 Hz"),
    ],
)
def test_a_rate_that_is_none_is_not_taken_for_100_hz(tmp_path, column, text, reason):
    header = f"trace_name,trace_category,p_arrival_sample,s_arrival_sample,{column}\n"
    rows = (f"A_EV,,700,1200,{text}", "B_EV,,700,1200,50" if column == "sampling_rate" else "B_EV,,700,1200,0.02")
    table, rates, skipped, _ = read_csv(csv_of(tmp_path, *rows, header=header))
    assert table.name.tolist() == ["B_EV"] and rates.tolist() == [50] and table.p_sample.tolist() == [1400]
    assert skipped == {reason: 1}

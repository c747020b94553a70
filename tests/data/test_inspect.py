"""What is said of a data set, and which traces are suspected."""

from __future__ import annotations

import numpy as np

from minieqt.cli import main
from minieqt.data import open_dataset
from minieqt.data.inspect import summary, suspicious


def test_what_is_wrong_is_found(write, rng):
    sound = rng.standard_normal((6000, 3)).astype(np.float32)
    dead, copied, broken = sound.copy(), sound.copy(), sound.copy()
    dead[:, 1] = 4
    copied[:, 2] = copied[:, 0]
    broken[9, 0] = np.nan
    samples = {"dead": dead, "copied": copied, "broken": broken, "nothing": np.zeros((6000, 3)), "sound": sound}
    with open_dataset(*write({f"{name}_NO": {"samples": x} for name, x in samples.items()})) as dataset:
        assert suspicious(dataset, np.arange(5)) == {
            "dead component": ["dead_NO"],
            "one component copied to another": ["copied_NO"],
            "NaN or infinity": ["broken_NO"],
            "no component alive": ["nothing_NO"],
        }


def test_counts(dataset):
    text = summary(dataset)
    assert "40 traces: 28 earthquakes, 12 noise" in text
    line = next(line for line in text.splitlines() if line.startswith("magnitude"))
    assert sum(int(part.rpartition(":")[2]) for part in line.split(",")) == 28


def test_what_is_beyond_all_spans_is_counted_too(write):
    odd = {"A.XX_1_EV": {"source_magnitude": -3}, "A.XX_2_EV": {"source_magnitude": 99}, "A.XX_3_EV": {}}
    with open_dataset(*write(odd)) as dataset:
        assert "magnitude: below -2: 1, from 10: 1, unknown: 1" in summary(dataset).splitlines()


def test_no_name_is_no_station(write):
    traces = {"A.XX_1_EV": {"network_code": "XX", "receiver_code": "A"}, "A.XX_2_EV": {}}
    with open_dataset(*write(traces)) as dataset:
        assert "2 events, 1 stations" in summary(dataset)


def test_the_command(synthetic_files, tmp_path, capsys):
    assert main(["inspect", *map(str, synthetic_files), "--figures", str(tmp_path / "figures")]) == 0
    assert "looked at 40 waveforms" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"histograms.png", "map.png", "windows.png"}


def test_no_map_stays_of_another_data_set(write, tmp_path, capsys):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "map.png").write_bytes(b"of another")
    assert main(["inspect", *map(str, write({"A.XX_1_EV": {}})), "--figures", str(tmp_path / "figures")]) == 0
    assert "no map: the table has no coordinates" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"histograms.png", "windows.png"}


def test_all_real_data_is_inspected(shared, capsys):
    for name in ("stead50", "ncedc", "obs56"):
        assert main(["inspect", *(str(shared / f"data/{name}.{end}") for end in ("hdf5", "csv"))]) == 0
    assert "126 earthquakes, 44 noise" in capsys.readouterr().out

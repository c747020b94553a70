"""Tables of velocities."""

from __future__ import annotations

from pathlib import Path

import pytest

from minieqt.catalogue.velocity import homogeneous, read_velocities
from minieqt.errors import UserError


@pytest.mark.parametrize(
    "text",
    [
        "depth,vp,vs\n0,5.5,3.1\n8,6.1,3.5\n",
        "VS;Depth_km;VP\n3.1;0;5.5\n3.5;8;6.1\n",
        "# a comment\n0 5.5 3.1\n8  6.1\t3.5\n",
        "0,5.5,3.1\n8,6.1,3.5",
    ],
)
def test_a_table_in_many_layouts(tmp_path, text):
    path = tmp_path / "model.csv"
    path.write_text(text)
    found = read_velocities(path)
    assert (found.depth, found.vp, found.vs) == ((0.0, 8.0), (5.5, 6.1), (3.1, 3.5))
    assert not found.constant and found.name == "model.csv"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("8 6.1 3.5\n0 5.5 3.1\n", "depths must rise"),
        ("0 3.1 5.5\n", "S must be slower than P"),
        ("0 5.5 0\n", "above zero"),
        ("0 5.5\n", "columns depth"),
        ("depth,p,s_wave\n0,5.5,3.1\n", "columns depth"),
        ("", "columns depth"),
        ("0 5.5 fast\n", "is no number"),
    ],
)
def test_what_is_no_model_is_one_line(tmp_path, text, why):
    path = tmp_path / "model.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=why):
        read_velocities(path)


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="not a table of velocities"):
        read_velocities(tmp_path / "none.csv")


def test_the_same_everywhere(tmp_path):
    assert homogeneous(6, 3.5).constant
    (tmp_path / "one.csv").write_text("depth,vp,vs\n3,6,3.5\n")
    assert read_velocities(tmp_path / "one.csv").constant


def test_between_depths_and_at_a_jump(tmp_path):
    (tmp_path / "model.csv").write_text("2 5 3\n4 6 3.4\n4 7 4\n")
    vp, vs = read_velocities(tmp_path / "model.csv").at([0, 3, 3.999999, 4, 50])
    assert vp == pytest.approx([5, 5.5, 6, 7, 7], abs=1e-5) and vs == pytest.approx([3, 3.2, 3.4, 4, 4], abs=1e-5)


def test_a_model_of_the_whole_earth_by_its_name(tmp_path, monkeypatch):
    """Kennett and Engdahl 1991: 5.8 and 3.36 km/s down to 20 km, 6.5 and 3.75 to 35, then the mantle."""
    monkeypatch.chdir(tmp_path)
    vp, vs = read_velocities(Path("iasp91")).at([10, 30, 40])
    assert vp[:2].tolist() == [5.8, 6.5] and vs[:2].tolist() == [3.36, 3.75] and 8 < vp[2] < 8.1
    Path("iasp91").write_text("0 5 3\n")
    assert read_velocities(Path("iasp91")).vp == (5.0,)

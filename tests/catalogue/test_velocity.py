"""Tables of velocities."""

from __future__ import annotations

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


def test_the_same_everywhere():
    assert homogeneous(6, 3.5).constant

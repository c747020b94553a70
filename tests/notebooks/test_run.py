"""`make notebooks`: chapters run in place, failures change nothing, old outputs are noticed."""

from __future__ import annotations

import pytest
import run
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from minieqt.errors import UserError


def write_chapter(folder, *cells, name="00_trial"):
    path = folder / f"{name}.ipynb"
    run.write(path, new_notebook(cells=[new_markdown_cell("# Trial"), *map(new_code_cell, cells)]))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "FOLDER", tmp_path)
    return tmp_path


def outputs(path):
    return [cell.outputs for cell in run.read(path).cells if cell.cell_type == "code"]


def test_a_chapter_is_run_in_place_and_stamped(folder, capsys):
    path = write_chapter(folder, "a = 3", "print(a + 4)")
    assert not run.is_fresh(run.read(path))
    assert run.main([]) == 0
    assert outputs(path)[1][0].text == "7\n"
    assert run.main(["--check"]) == 0
    assert "1 of 1 chapters ran\nall outputs are fresh" in capsys.readouterr().out


def test_changed_code_makes_outputs_old(folder, capsys):
    path = write_chapter(folder, "print(1)")
    notebook = run.read(path)
    notebook.metadata[run.STAMP] = {"digest": run.digest(notebook)}
    assert run.is_fresh(notebook)
    notebook.cells[0].source += " without a change of code"
    assert run.is_fresh(notebook)
    notebook.cells[1].source = "print(2)"
    run.write(path, notebook)
    assert run.main(["--check"]) == 1
    assert "00_trial.ipynb: outputs are older than the code" in capsys.readouterr().out


def test_changed_helpers_make_outputs_old(folder):
    (folder / "course").mkdir()
    before = run.digest(run.read(write_chapter(folder, "print(1)")))
    (folder / "course/figures.py").write_text("DPI = 80")
    assert run.digest(run.read(write_chapter(folder, "print(1)"))) != before


@pytest.mark.parametrize(
    "code, message",
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; print('oh', file=sys.stderr)", "wrote to stderr: oh"),
        ("import os; os._exit(1)", "its kernel died"),
    ],
)
def test_a_failing_chapter_stays_as_it_was(folder, capsys, code, message):
    path = write_chapter(folder, code)
    before = path.read_bytes()
    assert run.main([]) == 1
    assert path.read_bytes() == before and [entry.name for entry in folder.iterdir()] == [path.name]
    assert message in capsys.readouterr().err


def test_chapters_are_chosen_by_words(folder):
    for name in ("00_seismogram", "02_convolution"):
        write_chapter(folder, name=name)
    assert [path.stem for path in run.chapters()] == ["00_seismogram", "02_convolution"]
    with pytest.raises(UserError, match="no chapter is called lstm"):
        run.main(["lstm"])
    assert run.main(["--check", "02"]) == 1

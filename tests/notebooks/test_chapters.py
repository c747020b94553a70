"""The chapters: they run, what they show is what their code gives, and their order can be learned."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import shutil

import pytest
import run
from test_structure import accelerated

import minieqt.blocks
import minieqt.layers
from minieqt.layer import Layer

CHAPTERS = run.chapters()
NOTEBOOKS = {path.stem: run.read(path) for path in CHAPTERS}
MEGABYTE = 1_000_000


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tree(notebook):
    return ast.parse("\n".join(cell.source for cell in code_cells(notebook)))


# -- they run ----------------------------------------------------------------------------------------------------------


def without_numbers(text):
    """A text with every number as #, and its spaces folded: another machine rounds and times differently."""
    return re.sub(r"\s+", " ", re.sub(r"[-+]?\b\d+([.,]\d*)?(e[-+]?\d+)?", "#", text))


def shown(notebook):
    """What each code cell shows: kinds of output and their text but for the numbers. Cells that say what this machine
    has or how fast it is are tagged `machine` and left out."""
    found = []
    for cell in code_cells(notebook):
        if "machine" not in cell.metadata.get("tags", []):
            found.append([])
            for output in cell.outputs:
                data = {"text/plain": output.text} if "text" in output else output.data
                found[-1].append((output.output_type, sorted(data), without_numbers(data.get("text/plain", ""))))
    return found


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A copy of the course, whose data and runs, beside its folder, are not the reader's own."""
    return shutil.copytree(run.FOLDER, tmp_path_factory.mktemp("course") / "notebooks")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_and_shows_what_is_committed(path, elsewhere):
    assert shown(run.execute(elsewhere / path.name)) == shown(NOTEBOOKS[path.stem])


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_outputs_are_not_older_than_the_code(path):
    assert run.is_fresh(NOTEBOOKS[path.stem]), "run `make notebooks`, and commit what it changed"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_small_and_depends_on_nothing_of_this_machine(path):
    assert path.stat().st_size < MEGABYTE
    text = path.read_text(encoding="utf-8")
    assert str(run.ROOT) not in text and "/home/" not in text
    counts = [cell.execution_count for cell in code_cells(NOTEBOOKS[path.stem])]
    assert counts == list(range(1, len(counts) + 1))


def test_chapter_13_repeats_the_number_of_chapter_00():
    """What STA/LTA reaches on the exam, which both make from the same seed."""
    said = {
        name: "".join(output.get("text", "") for cell in code_cells(NOTEBOOKS[name]) for output in cell.outputs)
        for name in ("00_seismogram", "13_evaluation")
    }
    first = re.search(r"F1 of P (\d\.\d\d)", said["00_seismogram"])
    again = re.search(r"STA/LTA +(\d\.\d\d)", said["13_evaluation"])
    assert first and again and first[1] == again[1]


def test_numbers_are_left_out_of_the_comparison():
    assert without_numbers("a  1.5e-07 | -3.") == without_numbers("a 12 | 4.25")
    assert without_numbers("12 windows") != without_numbers("12 traces")


# -- their order can be learned ----------------------------------------------------------------------------------------


def course():
    """{chapter's number: (numbers of the chapters it assumes, names that it adds)}, from notebooks/README.md."""
    rows = {}
    for line in (run.FOLDER / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"\d\d", cells[0]) and len(cells) == 3:
            rows[cells[0]] = set(re.findall(r"\d\d", cells[1])), set(re.findall(r"`(\w+)`", cells[2]))
    return rows


def imported(notebook):
    """The names that a chapter imports from the package and its kernels."""
    found = set()
    for node in ast.walk(tree(notebook)):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("minieqt", "kernels"):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] in ("minieqt", "kernels")}
    return found


def test_the_readme_lists_every_chapter():
    assert list(course()) == [name[:2] for name in NOTEBOOKS]
    readme = (run.FOLDER / "README.md").read_text(encoding="utf-8")
    for name in NOTEBOOKS:
        assert f"({name}.ipynb)" in readme


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_is_used_before_it_is_explained(name):
    rows, number = course(), name[:2]
    assumed = set(rows[number][0])
    assert all(earlier < number for earlier in assumed)
    for earlier in sorted(assumed, reverse=True):
        assumed |= rows[earlier][0]
    known = rows[number][1].union(*(rows[earlier][1] for earlier in assumed))
    assert imported(NOTEBOOKS[name]) <= known, "not added by this chapter or by one that it assumes"
    assert rows[number][1] <= imported(NOTEBOOKS[name]), "said to be added here, and not imported here"
    new = [other for other in rows if other < number and rows[other][1] & rows[number][1]]
    assert not new, f"added twice: also in {new}"


def defined(notebook):
    return {
        node.name: node for node in tree(notebook).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def test_no_chapter_redefines_what_it_should_import():
    """No function has the name of one that a chapter imports or that is accelerated, or another chapter's body."""
    package = set().union(*map(imported, NOTEBOOKS.values()), *accelerated().values())
    bodies = {}
    for name, notebook in NOTEBOOKS.items():
        for function, node in defined(notebook).items():
            assert function not in package, f"{name} redefines {function}, which is to be imported"
            body = ast.unparse(node.body)
            if body != "...":  # of an exercise
                assert body not in bodies, f"{function} of {name} is {bodies.get(body)} over again"
                bodies[body] = f"{function} of {name}"


def words(notebook):
    """Every name that stands in a chapter's code."""
    return set(re.findall(r"\w+", "\n".join(cell.source for cell in code_cells(notebook))))


def test_every_layer_and_every_accelerated_function_is_used_in_some_chapter():
    used = set().union(*map(words, NOTEBOOKS.values()))
    folders = ((minieqt.layers.__path__, "minieqt.layers."), (minieqt.blocks.__path__, "minieqt.blocks."))
    modules = [info.name for path, prefix in folders for info in pkgutil.iter_modules(path, prefix)]
    layers = {
        name
        for module in map(importlib.import_module, modules)
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, Layer) and value.__module__ == module.__name__
    } - {"Activation", "SyncBatchNorm"}  # what ReLU and its like are made from; BatchNorm with an all-reduce in it
    assert {"Conv1D", "SpatialDropout", "BiLSTM", "PhaseBranch"} <= layers
    assert layers <= used, f"no chapter uses {', '.join(sorted(layers - used))}"
    functions = set().union(*accelerated().values())
    assert functions <= used, f"no chapter uses {', '.join(sorted(functions - used))}"


def test_cells_are_short():
    """A kernel's text counts as one line."""
    for name, notebook in NOTEBOOKS.items():
        sources = [re.sub(r'r"""[\s\S]*?"""', "kernel", cell.source) for cell in code_cells(notebook)]
        lengths = sorted(len(source.splitlines()) for source in sources)
        assert lengths[len(lengths) // 2] <= 8 and lengths[-1] <= 30, name

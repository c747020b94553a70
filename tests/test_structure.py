"""The structure: imports point one way, every folder has its mirror among the tests, and `import minieqt` is quick."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A part imports from lower levels and from itself. A new part needs a place here.
LEVELS = [
    {"kernels", "errors", "threads", "heap", "workers", "processes"},
    {"backend", "device", "files", "hdf5_heap", "tables"},
    {"updates"},
    {"layer", "philox", "initialise", "schedule", "plots", "parallel", "streams", "graph"},
    {"layers"},
    {"blocks", "loss", "adam", "summary", "data"},
    {"model"},
    {"weights", "gradcheck", "warmup"},
    {"records"},
    {"inference"},
    {"picking"},
    {"evaluation", "importing", "fetching"},
    {"review"},
    {"catalogue"},
    {"training"},
    {"learning"},
    {"arguments"},
    {"commands"},
    {"cli"},
    {"__main__", "train", ""},  # "" is minieqt/__init__.py, which offers names from everywhere
]
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}

# Parts that may import less than their level would let them.
NARROW = {
    "data": {"kernels", "errors", "files", "hdf5_heap", "backend", "philox", "plots", "tables", "threads"},  # no layer
    "parallel": {"kernels", "errors", "files", "backend", "threads", "processes"},  # flat arrays only
}


def sources():
    """Every Python file of the package, the kernels, and train.py."""
    return [ROOT / "train.py", *sorted(ROOT.glob("minieqt/**/*.py")), *sorted(ROOT.glob("kernels/**/*.py"))]


def dotted(path):
    """minieqt/layers/lstm.py -> minieqt.layers.lstm; a folder's __init__.py stands for the folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path) for path in sources()}


def imports(path):
    """The dotted names of everything a file imports, wherever in the file; submodules where a submodule is meant.

    Kernels, whose package has another name once it is installed, import each other by relative names, and minieqt
    imports them by `kernel_module`.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*inside, *filter(None, [node.module])])
            assert bool(node.level) == (module.split(".")[0] == "kernels"), f"{path}: from {module}"
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= names & MODULES or {module}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "kernel_module":
            found |= {f"kernels.{text.value}" for text in ast.walk(node.args[0]) if isinstance(text, ast.Constant)}
    return found


def part(module):
    """minieqt.layers.lstm -> layers; kernels.cpu.lstm -> kernels; minieqt itself -> ""."""
    root, *rest = module.split(".")
    return (rest[0] if rest else "") if root == "minieqt" else root


@cache
def own(path):
    """What a file imports from the project itself."""
    return {module for module in imports(path) if module.split(".")[0] in ("minieqt", "kernels", "train")}


def violation(importer, imported):
    """Why one module may not import another, or None."""
    here, there = part(importer), part(imported)
    for name in (here, there):
        if name not in LEVEL:
            return f"{name} has no place in LEVELS"
    if there == "":
        there = "model"  # `from minieqt import EQTransformer`
    if here == there:
        return None
    if LEVEL[there] >= LEVEL[here]:
        return f"{importer} may not import {imported}: imports point from {there} to {here}"
    if here in NARROW and there not in NARROW[here]:
        return f"{importer} may not import {imported}: {here} sees {', '.join(sorted(NARROW[here]))} only"
    return None


def test_imports_point_one_way():
    found = [violation(dotted(path), module) for path in sources() for module in own(path)]
    assert not [message for message in found if message]


def test_data_uses_no_kernel_but_the_windows():
    for path in (ROOT / "minieqt/data").glob("**/*.py"):
        used = {module for module in own(path) if module.startswith("kernels")}
        assert all(module.startswith(("kernels.augment", "kernels.user_cache")) for module in used), path


# Rooms of kernels/cpu: the twins at the top import from all, each room from itself and those after it.
ROOMS = ["", "polyphase", "conv", "simd", "runtime"]


def room(module):
    """kernels.cpu.conv.rows -> conv; kernels.cpu.lstm -> ""."""
    return module.split(".")[2] if module.count(".") == 3 else ""


def test_the_rooms_of_the_cpu_kernels_import_one_way():
    for path in (ROOT / "kernels/cpu").rglob("*.py"):
        here = path.parent.name if path.parent.name != "cpu" else ""
        for module in own(path) - {"kernels.user_cache"}:
            assert module.startswith("kernels.cpu."), f"{path} imports {module}"
            assert ROOMS.index(room(module)) >= ROOMS.index(here), f"{path} imports {module}"


MOST_PARAMETERS = 8


def test_no_cpu_kernel_has_many_parameters():
    for path in (ROOT / "kernels/cpu").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                count = len(names) - (names[:1] == ["typing"])  # which Numba itself gives an intrinsic
                assert count <= MOST_PARAMETERS, f"{path}: {node.name} has {count}: bundle what belongs together"


# What the field calls otherwise: docs/glossary and kernels/cpu/README.md have its words.
OLD_NAMES = {
    "phases", "ends", "drain", "passes", "prepare", "prepared", "handful", "to_nodes", "from_nodes", "each_sample",
    "whole_samples", "phases_of", "stages_of",
}  # fmt: skip


OLD_FUNCTIONS = {"replacing", "of_input", "move_each", "replayed", "side_by_side"}
OLD_MODULES = {"memory", "network", "utils", "picking/windows", "evaluation/windows", "importing/windows"}


def test_no_old_name_is_left_in_the_cpu_kernels():
    for path in (*(ROOT / "kernels/cpu").rglob("*.py"), *(ROOT / "tests/kernels/cpu").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {getattr(node, field, None) for field in ("id", "arg", "attr", "name")} | {path.stem}
            found = {name.lower() for name in names if isinstance(name, str)} & OLD_NAMES
            assert not found, f"{path} says {', '.join(found)}"


def test_functions_and_modules_have_the_fields_words():
    for path in (ROOT / "minieqt").rglob("*.py"):
        assert path.stem not in OLD_MODULES and f"{path.parent.name}/{path.stem}" not in OLD_MODULES, path
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = {node.name for node in tree if isinstance(node, ast.FunctionDef)}
        assert not names & OLD_FUNCTIONS, f"{path}: {', '.join(names & OLD_FUNCTIONS)}"


def test_only_twins_at_the_top_of_the_cpu_kernels():
    assert {path.stem for path in (ROOT / "kernels/cpu").glob("*.py")} - {"__init__"} <= accelerated().keys()


@pytest.mark.parametrize(
    "importer, imported, allowed",
    [
        ("minieqt.layers.lstm", "minieqt.layers.dropout", True),
        ("minieqt.blocks.encoder", "minieqt.layers.pool", True),
        ("minieqt.layers.pool", "minieqt.blocks.encoder", False),
        ("minieqt.backend", "kernels.cpu.lstm", True),
        ("kernels.cpu.lstm", "minieqt.layers.lstm", False),
        ("minieqt.data.loader", "minieqt.layers.dropout", False),
        ("minieqt.data.loader", "minieqt.layer", False),
        ("minieqt.parallel.ring", "minieqt.model", False),
        ("minieqt.parallel.ring", "minieqt.philox", False),
        ("minieqt.weights.native", "minieqt", True),
        ("minieqt.blocks.encoder", "minieqt", False),
        ("minieqt.training.loop", "train", False),
        ("minieqt.newroom", "minieqt.model", False),
    ],
)
def test_the_rule(importer, imported, allowed):
    assert (violation(importer, imported) is None) == allowed


def outside(path):
    """The top-level names of what a file imports that is neither the project's nor Python's own."""
    roots = {module.split(".")[0] for module in imports(path)}
    return roots - {"minieqt", "kernels", "train"} - set(sys.stdlib_module_names)


def test_kernels_import_arrays_and_compilers_only():
    for path in (ROOT / "kernels").glob("**/*.py"):
        assert outside(path) <= {"numpy", "numba", "llvmlite", "cupy"}, path  # llvmlite is Numba's own back end


def test_only_declared_packages_are_imported():
    """PyTorch and SeisBench are peers to measure against; tests, notebooks and benchmarks are imported by nothing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = list(project["dependencies"])
    for extra, packages in project["optional-dependencies"].items():
        if extra not in ("dev", "peers", "notebooks"):
            declared += packages
    names = {text.split(">")[0].split("-cuda")[0].strip() for text in declared} | {"llvmlite", "gamma"}  # gmma's
    assert not names & {"torch", "seisbench"}
    for path in sources():
        assert outside(path) <= names, path


# -- the mirror --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["layers", "blocks"])
def test_every_layer_and_block_has_its_test(folder):
    files = {path.stem for path in (ROOT / "minieqt" / folder).glob("*.py")} - {"__init__"}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / folder).glob("test_*.py")}
    assert files == tests


@cache
def definitions(path):
    """{name: decorators} of a file's own functions."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return {
        node.name: [ast.unparse(decorator) for decorator in node.decorator_list]
        for node in nodes
        if isinstance(node, ast.FunctionDef)
    }


@cache
def accelerated():
    """{name of a file: its accelerated functions}."""
    found = {}
    for path in ROOT.glob("minieqt/**/*.py"):
        names = {name for name, decorators in definitions(path).items() if "accelerated" in decorators}
        if names:
            assert path.stem not in found, f"two files called {path.stem}.py cannot both have twins"
            found[path.stem] = names
    return found


def test_accelerated_functions_are_found():
    assert accelerated()["conv1d"] == {"conv1d_forward", "conv1d_backward"}


def made_of_others(stem):
    """The accelerated functions of a file that call another of them."""
    (path,) = ROOT.glob(f"minieqt/**/{stem}.py")
    names, made = accelerated()[stem], set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
            called = {function.id for function in calls if isinstance(function, ast.Name)}
            made |= {node.name} if called & (names - {node.name}) else set()
    return made


@pytest.mark.parametrize(("device", "pattern"), [("cpu", "**/*.py"), ("cuda", "*.py")])  # watchers serve tests
def test_every_kernel_is_a_twin_or_serves_one(device, pattern):
    """A kernel file has the name of the file it mirrors and all of its accelerated functions, or others import it.

    What is made of other accelerated functions of its file, a block of stages, may leave it to their twins.
    """
    files = sorted((ROOT / "kernels" / device).glob(pattern))
    served = {module for path in ROOT.glob("kernels/**/*.py") for module in own(path)}
    for path in files:
        if path.stem != "__init__":
            if path.stem in accelerated():
                missing = accelerated()[path.stem] - definitions(path).keys() - made_of_others(path.stem)
                assert not missing, f"{path} lacks {', '.join(sorted(missing))}"
            else:
                assert dotted(path) in served, f"{path} mirrors nothing and nothing uses it"


def test_every_cuda_source_has_its_launcher():
    for path in (ROOT / "kernels/cuda").glob("*.cu"):
        assert path.with_suffix(".py").is_file(), f"{path} has no launcher beside it"


# -- quick to import ---------------------------------------------------------------------------------------------------


def test_importing_minieqt_imports_nothing_heavy():
    program = "import sys, minieqt; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    output = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    loaded = {name.split(".")[0] for name in output.stdout.decode().split()}
    assert {"minieqt", "numpy"} <= loaded
    assert not loaded & {"obspy", "matplotlib", "numba", "cupy", "torch", "h5py", "seisbench"}

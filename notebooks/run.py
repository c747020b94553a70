"""Run the chapters and keep what they print and draw, in place.

  python notebooks/run.py                 all of them, in order (make notebooks)
  python notebooks/run.py 02 convolution  those whose names contain one of the words
  python notebooks/run.py --check         run nothing: which outputs are older than their code?

A chapter that fails stays as it was, and the exit code is 1.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this very checkout, before what is installed

from minieqt.arguments import Parser, guarded
from minieqt.errors import UserError
from minieqt.files import write_text

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
SECONDS = 600  # what a cell may take at most, on a machine that is busy with other things
COLOURS = r"\x1b\[[\d;]*m"  # of a terminal, in IPython's tracebacks
STAMP = "minieqt"  # the name under which a notebook's metadata holds its digest


def chapters() -> list[Path]:
    """The notebooks, in order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def read(path: Path) -> Any:
    """A notebook, as nbformat holds it."""
    import nbformat

    return nbformat.read(path, as_version=4)


def digest(notebook: Any) -> str:
    """SHA-256 of a chapter's code: its cells, and the helpers that it shares with the others."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code += [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("course/*.py"))]
    return hashlib.sha256("\n\n".join(code).encode()).hexdigest()


def is_fresh(notebook: Any) -> bool:
    """Whether a notebook's outputs were made by the code that it holds."""
    return notebook.metadata.get(STAMP, {}).get("digest") == digest(notebook)


def execute(path: Path) -> Any:
    """The notebook, run from top to bottom in a new process in its folder, stamped.

    UserError if a cell fails or writes to stderr.
    """
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = read(path)
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        STAMP: {"digest": digest(notebook)},
    }
    # One thread: results do not depend on it, and two wait for each other, which takes long on a busy machine.
    threads = {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    environment = os.environ | threads | {"PYTHONPATH": str(ROOT), "MINIEQT_STATIC": "1"}
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise UserError(f"{path.name}: {re.sub(COLOURS, '', str(error)).strip()}") from error
    except CellTimeoutError as error:
        raise UserError(f"{path.name}: a cell took longer than {SECONDS} s") from error
    except AssertionError as error:  # nbclient takes Ctrl-C to itself, ends the kernel, and stumbles over its absence
        raise KeyboardInterrupt from error
    except DeadKernelError as error:
        raise UserError(f"{path.name}: its kernel died; out of memory?") from error
    except NoSuchKernel as error:
        raise UserError("running the chapters needs Jupyter's kernel: pip install -e '.[dev]'") from error
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                if output.get("name") == "stderr":
                    raise UserError(f"{path.name}: a cell wrote to stderr: {output.text}")
    return notebook


def joined(outputs: list[Any]) -> list[Any]:
    """A cell's outputs, with what it printed in one piece: in how many it arrives is a matter of chance."""
    found: list[Any] = []
    for output in outputs:
        if found and "name" in output and found[-1].get("name") == output.name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def write(path: Path, notebook: Any) -> None:
    """Save a notebook, whole or not at all."""
    import nbformat

    write_text(path, nbformat.writes(notebook) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    parser = Parser("run.py", description=__doc__)
    parser.add_argument("word", nargs="*", metavar="WORD", help="run the chapters whose names contain it (all)")
    parser.add_argument("--check", action="store_true", help="only say which outputs are older than their code")
    options = parser.parse_args(arguments)
    chosen = [path for path in chapters() if any(word in path.stem for word in options.word or [""])]
    if not chosen:
        raise UserError(f"no chapter is called {' or '.join(options.word)}: they are {FOLDER}/NN_name.ipynb")
    if options.check:
        stale = [path.name for path in chosen if not is_fresh(read(path))]
        print("\n".join(f"{name}: outputs are older than the code" for name in stale) or "all outputs are fresh")
        return int(bool(stale))

    from tqdm import tqdm

    from minieqt.warmup import warm_up

    warm_up()
    failed = 0
    with tqdm(chosen, unit="chapter", disable=None) as bar:
        for path in bar:
            bar.set_description(path.stem)
            try:
                write(path, execute(path))
            except UserError as error:
                failed += 1
                bar.write(str(error), file=sys.stderr)
    print(f"{len(chosen) - failed} of {len(chosen)} chapters ran")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(guarded("run.py", main))

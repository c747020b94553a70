"""Import the kernels that belong to this copy of minieqt: the folder beside it, under whatever name.

An unrelated package on PyPI is also imported as `kernels`. So a wheel installs the folder as `minieqt_kernels`. In a
checkout it is `kernels`, as tests and chapters import it, unless that name already means another package: then it is
loaded from its path, as `minieqt_kernels`. Kernels import each other by relative names, which hold under either.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

INSTALLED = "minieqt_kernels"  # as in setup.py


@cache
def package() -> str:
    """The name under which the kernels beside this package can be imported, from now on."""
    beside = Path(__file__).parents[1]
    if (beside / INSTALLED).is_dir():
        return INSTALLED
    own = beside / "kernels" / "__init__.py"
    found = util.find_spec("kernels")
    if found is not None and found.origin is not None and os.path.realpath(found.origin) == os.path.realpath(own):
        return "kernels"
    spec = util.spec_from_file_location(INSTALLED, own)
    assert spec is not None and spec.loader is not None
    sys.modules[INSTALLED] = util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[INSTALLED])
    return INSTALLED


def kernel_module(name: str) -> ModuleType:
    """A module of the kernels: `kernel_module("cpu.lstm")`. ModuleNotFoundError if there is none."""
    return import_module(f"{package()}.{name}")

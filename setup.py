"""What pyproject.toml cannot say: the folder kernels/ is installed under another name than it has here.

`kernels` is also what an unrelated package on PyPI is imported as, and one of the two would overwrite the other. An
editable install is this folder itself, and leaves the name (minieqt/kernels.py finds either).
"""

import sys

from setuptools import find_packages, setup

kernels = find_packages(include=["kernels", "kernels.*"])
editable = "editable_wheel" in sys.argv
setup(
    packages=find_packages(include=["minieqt", "minieqt.*"])
    + (kernels if editable else [f"minieqt_{name}" for name in kernels]),
    package_dir={} if editable else {"minieqt_kernels": "kernels"},
)

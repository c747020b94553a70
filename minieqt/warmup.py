"""Compile the kernels before the work begins, and say so: the first time on a processor it takes half a minute."""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from minieqt import backend
from minieqt.adam import Adam
from minieqt.model import EQTransformer


def warm_up(model: EQTransformer, training: bool = True) -> None:
    """Compile every kernel that `model` will need, on two windows of a twin of its own; `model` is not touched.

    A progress bar appears if that takes more than a second, one line where nobody watches a terminal; once compiled,
    kernels are kept on disk. Nothing happens in the readable mode or in float64, which need no kernels.
    """
    if backend.mode() == "readable" or model.vector.dtype != np.float32:
        return
    from numba.core import event

    twin = EQTransformer(**model.config)
    x = np.random.default_rng(0).standard_normal((2, 3, twin.length), np.float32)
    title = "compiling the kernels for this processor, once"
    with tqdm(desc=title, unit=" functions", delay=1, leave=False, disable=None) as progress:

        class Count(event.Listener):
            first = True

            def on_start(self, event: Any) -> None:
                if self.first and progress.disable:
                    print(f"{title}: about half a minute", flush=True)
                self.first = False
                progress.update()

            def on_end(self, event: Any) -> None:
                pass

        with event.install_listener("numba:compile", Count()):
            twin.eval().forward(x)
            if training:
                twin.train()
                twin.loss(x, np.zeros_like(x))
                twin.backward()
                Adam(twin).step()

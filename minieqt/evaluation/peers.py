"""Networks of SeisBench on the very same windows, where SeisBench is installed and a file of weights is at hand.

SeisBench and PyTorch are peers to measure against and no part of minieqt: they are imported only when one of their
models is asked for. Each window goes through the model's own `annotate`, with its own filter, normalisation and
sampling, as a stream of one minute; probabilities that it does not give (PhaseNet and GPD detect nothing) are left out.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from obspy import Stream, Trace, UTCDateTime

from minieqt.data.table import COMPONENTS, RATE, SAMPLES
from minieqt.errors import UserError
from minieqt.evaluation.answers import Answers, answer

Array = Any

START = UTCDateTime(0)


class SeisBenchModel:
    """An `answer_windows.Picker` from MODEL=FILE, such as PhaseNet=instance.pt; a model is FILE.pt and FILE.json."""

    alone = True  # PyTorch uses all processors by itself

    def __init__(self, text: str, thresholds: Mapping[str, float]):
        kind, _, file = text.partition("=")
        path = Path(file)
        if not kind or not file:
            raise UserError(f"--seisbench wants MODEL=FILE, such as PhaseNet=instance.pt; got {text!r}")
        try:
            models = importlib.import_module("seisbench.models")
        except ImportError as error:
            raise UserError("--seisbench needs SeisBench, which is not installed: pip install seisbench") from error
        if not isinstance(getattr(models, kind, None), type):
            raise UserError(f"SeisBench has no model {kind!r}; EQTransformer, PhaseNet and GPD are some that it has")
        base = path.with_suffix("") if path.suffix in (".pt", ".json") else path
        for needed in (base.with_name(base.name + ".pt"), base.with_name(base.name + ".json")):
            if not needed.is_file():
                raise UserError(f"{needed} does not exist: SeisBench's models are a .pt and a .json")
        try:
            self.model = getattr(models, kind).load(str(base))
        except Exception as error:  # whatever PyTorch raises for weights of another model
            raise UserError(f"{base}.pt does not hold the weights of a {kind}: {str(error).splitlines()[0]}") from error
        self.model.eval()
        self.name, self.thresholds = f"{kind} ({base.name})", dict(thresholds)

    def __call__(self, x: Array, first: int) -> Answers:
        found = [self.probabilities(window) for window in x]
        names = [name for name in ("detection", "P", "S") if name in found[0]]
        stacked = {name: np.stack([one[name] for one in found]) for name in names}
        silent = np.full((len(x), SAMPLES), np.nan)
        whole = answer([stacked.get(name, silent) for name in ("detection", "P", "S")])
        return Answers(
            {name: whole.heights[name] for name in names},
            {name: whole.samples[name] for name in names if name != "detection"},
        )

    def probabilities(self, x: Array) -> dict[str, Array]:
        """x (3, 6000) -> {output: (6000,)}, NaN where the model says nothing."""
        header = {"network": "XX", "station": "ABC", "sampling_rate": RATE, "starttime": START}
        stream = Stream([Trace(x[c].astype(float), header | {"channel": f"HH{'ENZ'[c]}"}) for c in range(COMPONENTS)])
        found = {}
        for trace in self.model.annotate(stream, blinding=(0, 0)):
            name = trace.stats.channel.rpartition("_")[2]
            output = "detection" if name == "Detection" else name
            if output in ("detection", "P", "S"):
                samples = (trace.times() + (trace.stats.starttime - START)) * RATE
                known = np.isfinite(trace.data)
                found[output] = np.interp(
                    np.arange(SAMPLES), samples[known], trace.data[known], left=np.nan, right=np.nan
                )
        return found

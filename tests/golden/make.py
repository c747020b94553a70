"""Make the golden files anew: what SeisBench's EQTransformer, in PyTorch and float64, gives for seeded weights.

  pip install -e '.[peers]'
  python tests/golden/make.py

Weights, windows and labels are drawn here and again in the tests, from NumPy's RandomState, whose numbers are frozen.
The files hold what was computed from them, and the names of the weights:

  forward_conservative.npz   3 LSTM blocks, hard-sigmoid gates, evaluation: out/…, inter/…, float64
  forward_original.npz       2 LSTM blocks, sigmoid gates, the same
  train_step.npz             2 LSTM blocks, sigmoid gates, training without dropout: loss, grad/… (float32)

Those here were made with torch 2.13.0 and seisbench 0.12.6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
WINDOWS, SAMPLES = 2, 6000
LOSS_WEIGHTS = (0.05, 0.40, 0.55)  # detection, P, S

Array = Any


def weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """{SeisBench name: float32 array} of these shapes, of the size that trained ones have."""
    draw, state = np.random.RandomState(20201203), {}
    for name in sorted(shapes):
        shape, kind = shapes[name], name.rpartition(".")[2]
        array = draw.standard_normal(shape)
        if kind == "running_var":
            array = np.exp(0.3 * array)
        elif kind == "gamma" or (kind == "weight" and len(shape) == 1):
            array = 1 + 0.1 * array
        elif kind == "beta" or len(shape) == 1:
            array = 0.1 * array
        else:
            array *= math.sqrt(2 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
            array *= 5 if kind == "Wa" else 1  # attention that prefers some steps to others
        state[name] = array.astype(np.float32)
    return state


def windows() -> Array:
    """x (2, 3, 6000) float32."""
    return np.random.RandomState(1).standard_normal((WINDOWS, 3, SAMPLES)).astype(np.float32)


def labels() -> Array:
    """Something between 0 and 1 (2, 3, 6000) float32."""
    return np.random.RandomState(2).random_sample((WINDOWS, 3, SAMPLES)).astype(np.float32)


def network(compatible: Any, blocks: int) -> tuple[Any, list[str]]:
    """SeisBench's network in float64 with `weights`, and their names."""
    import torch
    from seisbench.models import EQTransformer

    model = EQTransformer(original_compatible=compatible, lstm_blocks=blocks, drop_rate=0.0).double()
    state = model.state_dict()
    names = [name for name in state if not name.endswith("num_batches_tracked")]
    drawn = weights({name: tuple(state[name].shape) for name in names})
    model.load_state_dict(state | {name: torch.from_numpy(array).double() for name, array in drawn.items()})
    return model, names


def forward(compatible: Any, blocks: int) -> dict[str, Array]:
    """Outputs, and what comes out of the parts before them."""
    import torch

    model, names = network(compatible, blocks)
    result: dict[str, Array] = {"names": np.array(names)}

    def keep(part: str, y: Any) -> None:
        y, attention = y if isinstance(y, tuple) else (y, None)
        result[f"inter/{part}"] = y.numpy()
        if attention is not None:
            result[f"inter/{part}/attention"] = attention.numpy()

    for part in ("encoder", "res_cnn_stack", "bi_lstm_stack", "transformer_d0", "transformer_d"):
        getattr(model, part).register_forward_hook(lambda _, x, y, part=part: keep(part, y))
    with torch.no_grad():
        outputs = model.eval()(torch.from_numpy(windows()).double())
    return result | {f"out/{name}": y.numpy() for name, y in zip(("detection", "P", "S"), outputs, strict=True)}


def train_step(compatible: Any, blocks: int) -> dict[str, Array]:
    """The loss, without penalties, and its gradients."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    model, names = network(compatible, blocks)
    targets = torch.from_numpy(labels()).double().unbind(dim=1)
    logits = model.train()(torch.from_numpy(windows()).double(), logits=True)
    loss = sum(w * cross_entropy(z, y) for w, z, y in zip(LOSS_WEIGHTS, logits, targets, strict=True))
    loss.backward()
    gradients = {f"grad/{name}": p.grad.numpy().astype(np.float32) for name, p in model.named_parameters()}
    return {"names": np.array(names), "loss": loss.detach().numpy()} | gradients


def main() -> None:
    np.savez_compressed(FOLDER / "forward_conservative.npz", **forward("conservative", 3))
    np.savez_compressed(FOLDER / "forward_original.npz", **forward(True, 2))
    np.savez_compressed(FOLDER / "train_step.npz", **train_step(True, 2))


if __name__ == "__main__":
    main()

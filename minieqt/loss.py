"""Binary cross-entropy from logits, and its weighted sum over detection, P and S.

    p = 1 / (1 + e^-z),      L = mean over batch and time of  -y log p - (1 - y) log(1 - p)
                               = mean of  max(z, 0) - z y + log(1 + e^-|z|),           dL/dz = (p - y) / count

Written from the logits z (B, T) it never takes the log of zero and never overflows. The network's loss is
0.05 L_detection + 0.40 L_P + 0.55 L_S (Mousavi et al. 2020); penalties are added by the optimiser (adam.py).

A label below 0 is unknown (data/labels.py, UNLABELLED): such a sample adds nothing to the loss and has no gradient.
The mean is still taken over all samples, so that a labelled one counts the same in every batch, and the average over
ranks is the whole batch's loss.
"""

from __future__ import annotations

from typing import Any

from minieqt.backend import accelerated, array_module
from minieqt.layers.activations import sigmoid_forward

Array = Any

WEIGHTS = (0.05, 0.40, 0.55)  # detection, P, S


@accelerated
def probabilities(z: Array) -> Array:
    """Logits z (B, T) -> probabilities (B, T), the network's outputs."""
    return sigmoid_forward(z)


@accelerated
def cross_entropy_forward(z: Array, y: Array) -> Array:
    """Logits z (B, T), labels y (B, T) in [0, 1] or below 0 -> mean loss, one number. The mean is taken in float64."""
    xp = array_module(z)
    losses = xp.maximum(z, 0) - z * y + xp.log1p(xp.exp(-abs(z)))
    return xp.where(y < 0, 0, losses).mean(dtype="float64")


@accelerated
def cross_entropy_backward(z: Array, y: Array, dloss: float) -> Array:
    """Logits z and labels y (B, T), the gradient `dloss` that arrives at the mean -> dz (B, T)."""
    return array_module(z).where(y < 0, 0, sigmoid_forward(z) - y) * (dloss / z.size)

"""Adam (Kingma & Ba 2015) with L1 and L2 penalties, over the flat parameter vector.

    g ← g + λ₁ sign θ + 2 λ₂ θ
    m ← β₁ m + (1 - β₁) g,      v ← β₂ v + (1 - β₂) g²
    θ ← θ - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + eps)

All vectors (N,). As in Keras the bias corrections sit in the step size, so eps = 1e-7 is added to the uncorrected √v.
λ₁ and λ₂ are vectors: each parameter brings its own factors (L2 1e-6 on encoder and decoder kernels, L1 1e-4 on their
biases, zero elsewhere).
"""

from __future__ import annotations

from typing import Any

from minieqt.backend import accelerated, array_module

Array = Any

BETA1, BETA2, EPS = 0.9, 0.999, 1e-7


@accelerated
def adam_step(
    theta: Array, gradient: Array, m: Array, v: Array, l1: Array, l2: Array, t: int, learning_rate: float
) -> None:
    """The equations above, in place on theta, m and v; t counts steps from 1. All vectors (N,).

    t and learning_rate are numbers, or on a GPU arrays of one element, whose current values a captured graph reads."""
    xp = array_module(theta)
    g = gradient + l1 * xp.sign(theta) + 2 * l2 * theta
    m += (1 - BETA1) * (g - m)
    v += (1 - BETA2) * (g * g - v)
    step_size = learning_rate * (1 - BETA2**t) ** 0.5 / (1 - BETA1**t)
    theta -= step_size * m / (xp.sqrt(v) + EPS)


class Adam:
    """The optimiser of one network: its moments, its step count and its learning rate.

    trained (N,): 1 where a parameter is trained, 0 where it is frozen; None: all are trained. A frozen parameter gets
    neither gradient nor penalty, so its moments stay zero and its value stays the same to the bit.
    """

    def __init__(self, model: Any, learning_rate: float = 1e-3, trained: Array | None = None):
        self.theta, self.gradient = model.vector, model.gradient
        xp = array_module(self.theta)
        self.m, self.v = xp.zeros_like(self.theta), xp.zeros_like(self.theta)
        self.l1, self.l2 = (factors.astype(self.theta.dtype) for factors in model.penalty_vectors(xp))
        self.trained = trained
        if trained is not None:
            self.l1, self.l2 = self.l1 * trained, self.l2 * trained
        self.t = 0
        self.learning_rate = learning_rate

    def step(self) -> None:
        """One update of the network's parameters from its gradients."""
        self.t += 1
        self.hold_frozen()
        adam_step(self.theta, self.gradient, self.m, self.v, self.l1, self.l2, self.t, self.learning_rate)

    def hold_frozen(self) -> None:
        """Set the gradients of frozen parameters to zero; part of every step."""
        if self.trained is not None:
            self.gradient *= self.trained

    def penalty(self) -> float:
        """Σ λ₁ |θ| + λ₂ θ² over the trained parameters, which the published training adds to the loss it reports."""
        return float((self.l1 * abs(self.theta) + self.l2 * self.theta**2).sum(dtype="float64"))

    def state(self) -> dict[str, Any]:
        """What a checkpoint stores: both moments and the step count."""
        return {"m": self.m, "v": self.v, "t": self.t}

    def load(self, state: dict[str, Any]) -> None:
        """Restore a stored state; ValueError if it is of another network."""
        if state["m"].shape != self.m.shape or state["v"].shape != self.v.shape:
            raise ValueError(f"optimiser state of {state['m'].shape[0]} values, this network has {self.m.size}")
        xp = array_module(self.m)
        self.m[...] = xp.asarray(state["m"])
        self.v[...] = xp.asarray(state["v"])
        self.t = int(state["t"])

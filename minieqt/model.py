"""EQTransformer (Mousavi et al. 2020): one network that detects earthquakes and picks P and S. Wiring only.

    x (B, 3, 6000) -> encoder -> ResCNN -> BiLSTM -> 2 × transformer -> detection, P, S logits (B, 6000)

x holds the components E, N, Z at 100 Hz, each demeaned and divided by its standard deviation. The outputs are
probabilities, one per sample.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from minieqt.backend import array_module, as_array
from minieqt.blocks.bilstm import UNITS, BiLSTM
from minieqt.blocks.decoder import Decoder
from minieqt.blocks.encoder import FILTERS, Encoder
from minieqt.blocks.phase import PhaseBranch
from minieqt.blocks.rescnn import ResCNN
from minieqt.blocks.transformer import Transformer
from minieqt.device import array_module_for
from minieqt.graph import cuda_graphed
from minieqt.layer import Layer
from minieqt.layers.attention import EPS
from minieqt.layers.dropout import Dropout
from minieqt.loss import WEIGHTS, cross_entropy_backward, cross_entropy_forward, probabilities
from minieqt.philox import Randomness
from minieqt.streams import on_streams
from minieqt.summary import summarise
from minieqt.updates import deferred_updates

Array = Any


class EQTransformer(Layer):
    """The whole network. `lstm_blocks=2` is the paper's, 3 with `gate="hard_sigmoid"` the released one.

    Two details differ in SeisBench's own networks: where the decoder crops (`crop`), and the small number added to the
    sum in attention (`attention_eps`). `normalisation`, a name from minieqt.data.normalise, is only stored here, for
    the code that prepares the network's input.
    """

    def __init__(
        self,
        lstm_blocks: int = 2,
        gate: str = "sigmoid",
        drop_rate: float = 0.1,
        seed: int = 0,
        dtype: str = "float32",
        length: int = 6000,
        crop: str = "keras",
        attention_eps: float = EPS,
        normalisation: str = "component",
    ):
        super().__init__()
        if lstm_blocks < 1:
            raise ValueError(f"lstm_blocks must be at least 1, got {lstm_blocks}")
        self.config: dict[str, Any] = {
            "lstm_blocks": lstm_blocks,
            "gate": gate,
            "drop_rate": drop_rate,
            "seed": seed,
            "dtype": dtype,
            "length": length,
            "crop": crop,
            "attention_eps": attention_eps,
            "normalisation": normalisation,
        }
        self.length = length
        self.monte_carlo = False  # see `sample_dropout`
        self.randomness = Randomness(seed)
        rng = np.random.default_rng(seed)
        drop = (rng, self.randomness, drop_rate)
        self.encoder = Encoder(rng)
        self.rescnn = ResCNN(FILTERS[-1], *drop)
        self.bilstm = BiLSTM(FILTERS[-1], lstm_blocks, *drop, gate)
        self.transformers = [Transformer(UNITS, *drop, attention_eps) for _ in range(2)]
        self.detection = Decoder(UNITS, length, rng, crop)
        self.p = PhaseBranch(length, *drop, gate, crop, attention_eps)
        self.s = PhaseBranch(length, *drop, gate, crop, attention_eps)
        self.vector, self.gradient = self.pack(dtype)
        self.statistics_vector = self.pack_statistics()

    def to(self, device: str) -> EQTransformer:
        """Move parameters, gradients and statistics to "cpu" or "cuda"; make the optimiser after that.

        UserError, in one line, where there is no such device.
        """
        self.vector, self.gradient = self.pack(self.vector.dtype, array_module_for(device))
        self.statistics_vector = self.pack_statistics()
        return self

    def logits(self, x: Array) -> tuple[Array, Array, Array]:
        """x (B, 3, T) -> logits of detection, P and S, each (B, T). ValueError for another shape."""
        if x.ndim != 3 or x.shape[1:] != (3, self.length):
            raise ValueError(f"input must be (batch, 3, {self.length}), got {x.shape}")
        if self.training:
            self.randomness.step += 1
        with deferred_updates():
            x = self.own(x)
            x = self.bilstm.forward(self.rescnn.forward(self.encoder.forward(x)))
            for transformer in self.transformers:
                x = transformer.forward(x)
            detection, p, s = on_streams(x, *(partial(branch.forward, x) for branch in self.branches()))
        return detection, p, s

    def branches(self) -> tuple[Decoder, PhaseBranch, PhaseBranch]:
        """The branches after the transformer, in the order of outputs and labels: detection, P, S."""
        return self.detection, self.p, self.s

    def own(self, x: Array) -> Array:
        """An array in the network's dtype, on the device of its parameters."""
        return as_array(x, self.vector.dtype, array_module(self.vector))

    @cuda_graphed
    def forward(self, x: Array) -> tuple[Array, ...]:
        """x (B, 3, T) -> probabilities of detection, P and S, each (B, T), on the network's device."""
        return tuple(probabilities(z) for z in self.logits(x))

    def loss(self, x: Array, labels: Array) -> float:
        """x (B, 3, T), labels (B, 3, T) in the order detection, P, S -> weighted cross-entropy, no penalties."""
        return float(self.loss_on_device(x, labels))

    def loss_on_device(self, x: Array, labels: Array) -> Array:
        """The same as an array on the network's device, without waiting for a GPU."""
        if labels.shape != x.shape:
            raise ValueError(f"labels must have the input's shape {x.shape}, got {labels.shape}")
        labels = self.own(labels)
        pairs = list(zip(self.logits(x), labels.swapaxes(0, 1), strict=True))  # (logits, labels), each (B, T)
        self.keep(pairs)
        return sum(w * cross_entropy_forward(z, y) for w, (z, y) in zip(WEIGHTS, pairs, strict=True))

    def backward(self, dloss: float = 1.0, need_dx: bool = True) -> Array | None:  # type: ignore[override]
        """Add `dloss` times the gradient of the last `loss` to every parameter's gradient; returns dx (B, 3, T).

        None without `need_dx`: training does not need it and saves the time.
        """

        def of_branch(branch: Layer, weight: float, pair: tuple[Array, Array]) -> Array:
            return branch.backward(cross_entropy_backward(*pair, dloss * weight))

        jobs = (partial(of_branch, *job) for job in zip(self.branches(), WEIGHTS, self.take(), strict=True))
        with deferred_updates():
            dy = sum(on_streams(self.vector, *jobs))
            for transformer in reversed(self.transformers):
                dy = transformer.backward(dy)
            return self.encoder.backward(self.rescnn.backward(self.bilstm.backward(dy)), need_dx)

    def sample_dropout(self, on: bool = True) -> None:
        """Keep the ResCNN's spatial dropout active in evaluation, or no longer.

        That is Monte-Carlo dropout (Gal & Ghahramani 2016) as the published code has it: no other dropout is sampled,
        and batch normalisation uses its running statistics. Each sample of masks has its own `randomness.step`.
        """
        self.monte_carlo = on
        for _, layer in self.rescnn.layers():
            if isinstance(layer, Dropout):
                layer.sampling = on

    def summary(self) -> str:
        """A table of the layers, their output shapes and parameter counts."""
        return summarise(self)

    def zero_gradients(self) -> None:
        """Set every parameter gradient to zero: one flat vector, one fill."""
        self.gradient[...] = 0

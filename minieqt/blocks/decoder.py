"""The decoder: seven stages, each of which doubles the length, and a last convolution to one logit per sample.

    stage      y = relu(conv(crop(upsample(x))))        (B, C, T) -> (B, O, 2T - crop)
    decoder    (B, 16, 47) -> (B, 8, 6000) -> logits (B, 6000)

The encoder's 375 samples became 188, and 188 doubled are 376: a stage may have to crop. The published network does
so one stage later, 752 -> 750, one sample at each end (`crop="keras"`). SeisBench's own networks crop where the
encoder padded, 376 -> 375, one sample at the right (`crop="seisbench"`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated
from minieqt.blocks.encoder import FILTERS, KERNELS, L1_BIAS, L2_KERNEL
from minieqt.layer import Layer
from minieqt.layers.activations import relu_backward, relu_forward
from minieqt.layers.conv1d import Conv1D, conv1d_backward, conv1d_forward
from minieqt.layers.upsample import crop1d_backward, crop1d_forward, upsample1d_backward, upsample1d_forward

Array = Any

CROPS = ("keras", "seisbench")
CROP_STAGE = 3  # of the published network
HEAD_KERNEL = 11


def decoder_crops(length: int, crop: str = "keras") -> list[tuple[int, int]]:
    """What each of the seven stages crops (left, right) so that ⌈length / 128⌉ becomes `length` again.

    ValueError for an unknown `crop`, and for a length that the published network's one crop cannot restore (6000 and
    multiples of 128 can be).
    """
    if crop not in CROPS:
        raise ValueError(f"crop must be one of {', '.join(CROPS)}, got {crop!r}")
    lengths = [length]
    for _ in FILTERS:
        lengths.append(-(-lengths[-1] // 2))
    crops, current = [], lengths[-1]
    for stage in range(len(FILTERS)):
        excess = 2 * current - lengths[-2 - stage]
        if crop == "seisbench":
            crops.append((0, excess))
        else:
            excess = excess if stage == CROP_STAGE else 0
            crops.append((excess // 2, excess - excess // 2))
        current = 2 * current - excess
    if current != length:
        raise ValueError(f"a window of {length} samples cannot be decoded to its own length (6000 can)")
    return crops


@accelerated
def decoder_stage_forward(x: Array, W: Array, b: Array, crop: tuple[int, int] = (0, 0)) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, 2T - left - right), cache."""
    z, conv_cache = conv1d_forward(crop1d_forward(upsample1d_forward(x), crop), W, b)
    y = relu_forward(z)
    return y, (conv_cache, y, crop)


@accelerated
def decoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, 2T - left - right) -> dx (B, C, T), dW (O, C, K), db (O)."""
    conv_cache, y, crop = cache
    du, dW, db = conv1d_backward(relu_backward(dy, y), conv_cache)
    return upsample1d_backward(crop1d_backward(du, crop)), dW, db


@accelerated
def decoder_forward(
    x: Array, Ws: tuple[Array, ...], bs: tuple[Array, ...], crops: tuple[tuple[int, int], ...], keep: bool = True
) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K) and b (O) of every stage and the head, crop of every stage -> logits (B, 1, T'), cache.

    Without `keep` there is no cache: no backward will follow.
    """
    caches = []
    for W, b, crop in zip(Ws[:-1], bs[:-1], crops, strict=True):
        x, cache = decoder_stage_forward(x, W, b, crop)
        caches.append(cache if keep else None)
    logits, cache = conv1d_forward(x, Ws[-1], bs[-1])
    return logits, (caches, cache) if keep else None


@accelerated
def decoder_backward(dlogits: Array, cache: Any) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dlogits (B, 1, T') -> dx (B, C, T), dW (O, C, K) and db (O) of every stage and of the head."""
    caches, head_cache = cache
    dx, *gradients = conv1d_backward(dlogits, head_cache)
    pairs = [gradients]
    for stage_cache in reversed(caches):
        dx, *gradients = decoder_stage_backward(dx, stage_cache)
        pairs.append(gradients)
    dWs, dbs = zip(*reversed(pairs), strict=True)
    return dx, dWs, dbs


class DecoderStage(Layer):
    """Upsampling, cropping, convolution, ReLU: (B, C, T) -> (B, O, 2T - crop)."""

    def __init__(self, channels: int, filters: int, kernel: int, crop: tuple[int, int], rng: np.random.Generator):
        super().__init__()
        self.conv = Conv1D(channels, filters, kernel, rng, l2_kernel=L2_KERNEL, l1_bias=L1_BIAS)
        self.crop = crop

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, O, 2T - crop)."""
        y, cache = decoder_stage_forward(x, self.conv.W, self.conv.b, self.crop)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, O, 2T - crop) -> dx (B, C, T); adds to the convolution's gradients."""
        dx, dW, db = decoder_stage_backward(dy, self.take())
        self.conv.accumulate(W=dW, b=db)
        return dx


class Decoder(Layer):
    """Seven stages and the head: (B, 16, ⌈T / 128⌉) -> logits (B, T)."""

    def __init__(self, channels: int, length: int, rng: np.random.Generator, crop: str = "keras"):
        super().__init__()
        filters, kernels = FILTERS[::-1], KERNELS[::-1]
        widths = (channels,) + filters[:-1]
        self.stages = [
            DecoderStage(*sizes, rng)
            for sizes in zip(widths, filters, kernels, decoder_crops(length, crop), strict=True)
        ]
        self.head = Conv1D(filters[-1], 1, HEAD_KERNEL, rng)

    def forward(self, x: Array) -> Array:
        """x (B, 16, ⌈T / 128⌉) -> logits (B, T)."""
        convs = self.convs()
        logits, cache = decoder_forward(
            x,
            tuple(conv.W for conv in convs),
            tuple(conv.b for conv in convs),
            tuple(stage.crop for stage in self.stages),
            keep=self.training,
        )
        self.keep(cache)
        return logits[:, 0]

    def step_by_step(self, x: Array) -> Array:
        """The same as `forward`, stage after stage."""
        for stage in self.stages:
            x = stage.forward(x)
        return self.head.forward(x)[:, 0]

    def backward(self, dlogits: Array) -> Array:
        """dlogits (B, T) -> dx (B, 16, ⌈T / 128⌉); adds to the gradients of all stages and of the head."""
        dx, dWs, dbs = decoder_backward(dlogits[:, None], self.take())
        for conv, dW, db in zip(self.convs(), dWs, dbs, strict=True):
            conv.accumulate(W=dW, b=db)
        return dx

    def convs(self) -> list[Conv1D]:
        """The convolutions of all stages, and the head."""
        return [stage.conv for stage in self.stages] + [self.head]

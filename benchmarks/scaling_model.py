"""How long a training step takes on N GPUs: a model of a few lines for each part. docs/scaling.md shows what it says.

A message of m bytes takes α + m / β: latency and bandwidth. The gradient, m bytes on each of N ranks, is added up by

    ring            2 (N - 1) steps, each with a chunk of m / N bytes       2 (N - 1) (α + m / (N β))
    tree            up to the root and down again, all m bytes at a time    2 ⌈log₂ N⌉ (α + m / β)
    hierarchical    in every node of g GPUs a ring adds up (first half) and hands round (second half); in between the
                    N / g nodes, by ring or tree

whichever is the fastest. A step ends with the slowest rank: with times of standard deviation σ, that is σ E_N later
than the mean one, where E_N is the expected largest of N standard normal numbers; and if once in a while something
holds a rank up, then among many ranks it nearly always holds up one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binom, norm

Array = Any

GRADIENT = 4 * 371_639  # bytes: float32, one for each parameter of the paper's network
STATISTICS = 1_856  # numbers, float64
WINDOW_BYTES = 4 * 3 * 6000 / 2  # read for a window of a batch: each trace is there twice, plain and augmented
BACKWARD = 2 / 3  # of a step's arithmetic: the gradients of inputs and of weights, after one forward pass
BUCKETS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Link:
    """latency α: seconds a message; bandwidth β: bytes/s in each direction."""

    latency: float
    bandwidth: float

    def seconds(self, size: float) -> float:
        """Of a message of `size` bytes."""
        return self.latency + size / self.bandwidth


@dataclass(frozen=True)
class Cluster:
    """Nodes of `gpus` GPUs. between: what connects a node with others, all its adapters together. node_files and
    files: bytes/s that a node can read, and that the file system gives to all of them."""

    name: str
    gpus: int
    inside: Link
    between: Link
    node_files: float = math.inf
    files: float = math.inf


@dataclass(frozen=True)
class Device:
    """rate: windows/s in a large batch; floor: seconds of a step that do not depend on the batch. jitter: standard
    deviation of a batch's time, relative. hiccup: seconds by which a batch is late, with probability `chance`."""

    rate: float
    floor: float = 0.0
    jitter: float = 0.0
    hiccup: float = 0.0
    chance: float = 0.0

    def seconds(self, windows: float) -> float:
        """The mean time of a batch, without hiccups."""
        return self.floor + windows / self.rate


# -- sums --------------------------------------------------------------------------------------------------------------


def ring(N: int, size: float, link: Link, processors: float = math.inf) -> float:
    """Seconds of an all-reduce of `size` bytes. Where there are fewer processors than ranks, these take turns."""
    return 2 * (N - 1) * link.seconds(size / N) * max(1.0, N / processors)


def tree(N: int, size: float, link: Link) -> float:
    """Seconds of an all-reduce of `size` bytes."""
    return 2 * math.ceil(math.log2(N)) * link.seconds(size)


def hierarchical(N: int, size: float, cluster: Cluster) -> float:
    """Seconds of an all-reduce of `size` bytes over whole nodes. A ring inside them has two halves: that is one ring.
    In between, each GPU of a node has its own part of the sum, and all parts together go through its adapters."""
    nodes = N // cluster.gpus
    between = min(ring(nodes, size, cluster.between), tree(nodes, size, cluster.between))
    return ring(cluster.gpus, size, cluster.inside) + between


def all_reduce(N: int, size: float, cluster: Cluster) -> tuple[float, str]:
    """Seconds of the fastest all-reduce of `size` bytes over N GPUs, and its name."""
    link = cluster.inside if N <= cluster.gpus else cluster.between
    ways = {"ring": ring(N, size, link), "tree": tree(N, size, link)}
    if N > cluster.gpus and N % cluster.gpus == 0:
        ways["hierarchical"] = hierarchical(N, size, cluster)
    name = min(ways, key=lambda way: ways[way])
    return ways[name], name


def small_sums(N: int, cluster: Cluster) -> float:
    """Seconds of a step's three other sums: running statistics, the ranks' numbers of windows, their losses."""
    return sum(all_reduce(N, size, cluster)[0] for size in (8 * STATISTICS, 8 * N, 4 * 8 * N))


def exposed(compute: float, seconds: Callable[[float], float], size: float, buckets: int) -> float:
    """How much later than the arithmetic (`compute` seconds) the sums end, if the gradient goes out in so many equal
    buckets, each as soon as backward has finished it. seconds(size): of one all-reduce; they queue up."""
    end = 0.0
    for bucket in range(1, buckets + 1):
        ready = compute * (1 - BACKWARD * (1 - bucket / buckets))
        end = max(end, ready) + seconds(size / buckets)
    return end - compute


def fit(measured: Mapping[Any, float], ranks: int, processors: float = math.inf) -> tuple[Link, float]:
    """The link whose ring comes closest to the measured {bytes: seconds}, and the largest relative error."""
    sizes, seconds = np.array([float(size) for size in measured]), np.array(list(measured.values()))
    steps = ring(ranks, 0, Link(1, 1), processors)
    columns = np.stack([np.full(len(sizes), steps), steps * sizes / ranks], axis=1) / seconds[:, None]
    (latency, slowness), *_ = np.linalg.lstsq(columns, np.ones(len(sizes)))
    return Link(float(latency), float(1 / slowness)), float(np.abs(columns @ (latency, slowness) - 1).max())


# -- stragglers --------------------------------------------------------------------------------------------------------


def expected_maximum(N: int) -> float:
    """E_N, the expected largest of N independent standard normal numbers: ∫ z N φ(z) Φ(z)^(N-1) dz, near √(2 ln N)."""
    z = np.linspace(-9, 9, 20_001)
    return float(np.trapezoid(z * N * norm.pdf(z) * norm.cdf(z) ** (N - 1), z))


def straggling(N: int, device: Device, windows: float, batches: int = 1) -> float:
    """Seconds by which the slowest of N ranks is expected after the mean without hiccups, `batches` after they last
    met.

    Jitter and hiccups are added: where both matter they seldom meet on one rank, and this is a little too much.
    """
    jitter = device.jitter * device.seconds(windows) * math.sqrt(batches) * expected_maximum(N)
    at_most = binom.cdf(np.arange(batches), batches, device.chance)  # so many hiccups on one rank
    return jitter + device.hiccup * float((1 - at_most**N).sum())


def simulated_straggling(
    N: int, device: Device, windows: float, batches: int, rounds: int, rng: np.random.Generator
) -> float:
    """The same by drawing every batch of every rank, `rounds` times."""
    mean = device.seconds(windows)
    late = mean * device.jitter * rng.standard_normal((rounds, batches, N))
    late += device.hiccup * (rng.random((rounds, batches, N)) < device.chance)
    return float(late.sum(axis=1).max(axis=1).mean())


# -- a step ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Seconds of one optimiser step: `useful` arithmetic, and what is lost to everything else. way: of the sums."""

    useful: float
    floor: float
    stragglers: float
    sums: float
    files: float
    windows: float  # of all ranks
    way: str

    @property
    def seconds(self) -> float:
        return self.useful + self.floor + self.stragglers + self.sums + self.files

    @property
    def rate(self) -> float:
        """Windows/s."""
        return self.windows / self.seconds

    @property
    def limit(self) -> str:
        """What costs most, in words; nothing if all together cost less than a tenth."""
        lost = {name: getattr(self, name) for name in ("floor", "stragglers", "sums", "files")}
        return max(lost, key=lambda name: lost[name]) if self.useful < 0.9 * self.seconds else ""


def step(
    N: int,
    windows: float,
    device: Device,
    cluster: Cluster,
    accumulate: int = 1,
    local: int = 1,
    overlap: bool = False,
    cached: bool = False,
    size: float = GRADIENT,
) -> Step:
    """One step with `windows` windows a GPU and batch, of `accumulate` batches.

    local: steps that every rank takes by itself between two averages of all parameters (local SGD), at whose cost each
    has a share. overlap: sums go out while backward still runs, in the number of buckets that is best. cached: the data
    lie in every node's memory. Reading goes on during everything else: only what it lacks is lost.
    """
    one = device.seconds(windows)
    seconds, way = all_reduce(N, size, cluster)
    if overlap and N > 1:
        seconds = min(exposed(one, lambda part: all_reduce(N, part, cluster)[0], size, count) for count in BUCKETS)
    seconds += small_sums(N, cluster)
    batches = accumulate * local
    busy = accumulate * one + (seconds + straggling(N, device, windows, batches)) / local
    read = accumulate * windows * WINDOW_BYTES * max(min(N, cluster.gpus) / cluster.node_files, N / cluster.files)
    return Step(
        useful=accumulate * windows / device.rate,
        floor=accumulate * device.floor,
        stragglers=straggling(N, device, windows, batches) / local,
        sums=seconds / local,
        files=0.0 if cached else max(0.0, read - busy),
        windows=N * accumulate * windows,
        way=way,
    )

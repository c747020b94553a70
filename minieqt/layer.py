"""Layer: named parameters and gradients, children, train and eval, state; and one flat vector for all of it.

A layer is thin: it holds arrays and calls the stateless functions of its file. A parameter `W` is the attribute
`W`, its gradient the attribute `dW`. `pack` moves every parameter of a network into one flat vector and every
gradient into another and leaves views behind, so that the optimiser and the all-reduce see two arrays and the
layers see their own shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minieqt.backend import array_module, as_array
from minieqt.updates import add_each, change, update_running

Array = Any


class Layer:
    """A node of the network. Subclasses write `forward(x)` and `backward(dy)`; both take and return arrays."""

    def __init__(self) -> None:
        self.training = True
        self.penalties: dict[str, tuple[float, float]] = {}  # own parameter -> (L1, L2) factor
        self.statistics: list[str] = []  # own arrays that are state but not trained
        self._cache: Any = None

    # -- what a layer owns ---------------------------------------------------------------------------------

    def add_parameter(self, name: str, value: Array, l1: float = 0.0, l2: float = 0.0) -> None:
        """Own a trained array: `self.name`, and its gradient `self.dname`, zero."""
        setattr(self, name, value)
        setattr(self, f"d{name}", np.zeros_like(value))
        self.penalties[name] = (l1, l2)

    def add_statistic(self, name: str, value: Array) -> None:
        """Own an array that is saved with the network but not trained (BatchNorm's running statistics)."""
        setattr(self, name, value)
        self.statistics.append(name)

    def children(self) -> Iterator[tuple[str, Layer]]:
        """(name, layer) of every layer held as an attribute, or in a list that is one, in order of creation."""
        for name, value in vars(self).items():
            if isinstance(value, Layer):
                yield name, value
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, Layer):
                        yield f"{name}.{i}", item

    def layers(self, path: str = "") -> Iterator[tuple[str, Layer]]:
        """(dotted path, layer) of this layer and everything below it, parents first."""
        yield path, self
        for name, child in self.children():
            yield from child.layers(f"{path}.{name}" if path else name)

    # -- by name -------------------------------------------------------------------------------------------

    def _named(self, prefix: str, own: str) -> dict[str, Array]:
        return {
            f"{path}.{name}" if path else name: getattr(layer, prefix + name)
            for path, layer in self.layers()
            for name in getattr(layer, own)
        }

    def parameters(self) -> dict[str, Array]:
        """{dotted name: array} of everything trained, in the order of the flat vector."""
        return self._named("", "penalties")

    def gradients(self) -> dict[str, Array]:
        """{dotted name: array}, the same names as `parameters`."""
        return self._named("d", "penalties")

    def state(self) -> dict[str, Array]:
        """{dotted name: array} of what is saved but not trained."""
        return self._named("", "statistics")

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Copy parameters and state in by name. ValueError if a name is missing, unknown or of another shape."""
        own = self.parameters() | self.state()
        missing, unknown = sorted(own.keys() - arrays.keys()), sorted(arrays.keys() - own.keys())
        if missing or unknown:
            raise ValueError(
                f"these weights are of another architecture: {len(missing)} arrays missing"
                f"{f' (first {missing[0]})' if missing else ''}, {len(unknown)} unknown"
                f"{f' (first {unknown[0]})' if unknown else ''}"
            )
        for name, array in own.items():
            if array.shape != arrays[name].shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}, this network wants {array.shape}")
        for name, array in own.items():
            array[...] = array_module(array).asarray(arrays[name], array.dtype)

    def count_parameters(self) -> tuple[int, int]:
        """(number of trained values, number of statistics)."""
        return (
            sum(a.size for a in self.parameters().values()),
            sum(a.size for a in self.state().values()),
        )

    # -- one flat vector -----------------------------------------------------------------------------------

    def pack(self, dtype: Any = np.float32, xp: Any = np) -> tuple[Array, Array]:
        """Move parameters and gradients into two flat vectors, leaving views; statistics change dtype too.

        Returns (parameter vector, gradient vector), both (number of trained values,).
        """
        parameters, count = self.parameters(), self.count_parameters()[0]
        vector, gradient = xp.empty(count, dtype), xp.zeros(count, dtype)
        if parameters:
            vector[...] = xp.concatenate([as_array(a, dtype, xp).ravel() for a in parameters.values()])
        start = 0
        for _, layer in self.layers():
            for name in layer.penalties:
                shape, size = getattr(layer, name).shape, getattr(layer, name).size
                setattr(layer, name, vector[start : start + size].reshape(shape))
                setattr(layer, f"d{name}", gradient[start : start + size].reshape(shape))
                start += size
            for name in layer.statistics:
                setattr(layer, name, as_array(getattr(layer, name), dtype, xp))
        return vector, gradient

    def pack_statistics(self) -> Array:
        """Move the statistics into a flat vector of their own (number of statistics,), leaving views; returns it."""
        state = self.state()
        xp, dtype = array_module(next(iter(state.values()))), next(iter(state.values())).dtype
        vector, start = xp.empty(self.count_parameters()[1], dtype), 0
        for _, layer in self.layers():
            for name in layer.statistics:
                own = getattr(layer, name)
                view = vector[start : start + own.size].reshape(own.shape)
                view[...] = own
                setattr(layer, name, view)
                start += own.size
        return vector

    def penalty_vectors(self, xp: Any = np) -> tuple[Array, Array]:
        """(L1 factors, L2 factors), each (number of trained values,), in the order of the flat vector."""
        factors = [
            np.full((getattr(layer, name).size, 2), layer.penalties[name], np.float32)
            for _, layer in self.layers()
            for name in layer.penalties
        ]
        l1, l2 = np.concatenate(factors).T
        return xp.asarray(l1.copy()), xp.asarray(l2.copy())

    def accumulate(self, **gradients: Array) -> None:
        """Add to own gradients, by the parameters' names: accumulate(W=dW, b=db) is self.dW += dW, self.db += db."""
        change(add_each, [(getattr(self, f"d{name}"), gradient) for name, gradient in gradients.items()])

    def move(self, rate: float, **values: Array) -> None:
        """Move own statistics towards `values`, by name: move(r, mean=m) is self.mean += r (m - self.mean)."""
        change(update_running, [(getattr(self, name), value) for name, value in values.items()], rate)

    # -- running -------------------------------------------------------------------------------------------

    def train(self, training: bool = True) -> Layer:
        """Training mode: dropout on, batch statistics, forward keeps what backward needs."""
        for _, layer in self.layers():
            layer.training = training
        return self

    def eval(self) -> Layer:
        """Evaluation mode: dropout off, running statistics, nothing kept."""
        return self.train(False)

    def zero_gradients(self) -> None:
        """Set every parameter gradient to zero (they accumulate otherwise)."""
        for gradient in self.gradients().values():
            gradient[...] = 0

    def keep(self, cache: Any) -> None:
        """Hold what forward hands to backward, in training mode only."""
        self._cache = cache if self.training else None

    def take(self) -> Any:
        """Return backward's cache and forget it. RuntimeError if no forward in training mode came before."""
        if self._cache is None:
            raise RuntimeError(f"{type(self).__name__}.backward needs a forward in training mode before it")
        cache, self._cache = self._cache, None
        return cache

    def forward(self, x: Array) -> Array:
        raise TypeError(f"{type(self).__name__} has no forward")

    def backward(self, dy: Array) -> Array:
        raise TypeError(f"{type(self).__name__} has no backward")

"""Constant matrices times rows of samples, written out instruction by instruction.

A matrix of Winograd's convolution (polyphase/winograd.py) is small, known beforehand and full of zeros, ones and
entries that differ in sign alone. So its product with a few rows is no loop but a list of vector instructions, written
through llvmlite as the tile's are (tile.py): no instruction for a zero, none to multiply by one, and what two rows or
two columns have in common is computed once. Nodes come in pairs ±p, which makes such rows and columns: powers of p and
of -p are equal where even and opposite where odd. Of F(4, 3), for example,

    Bᵀ, nodes ±1    0 -4 -4  1 1        u = d4 - 4 d2,  v = d3 - 4 d1    one sum for each half …
                    0  4 -4 -1 1        u + v and u - v                  … shared by both rows: 2 products, not 4
    Aᵀ, nodes ±1    1  1                a = m1 + m2,    b = m1 - m2      columns: even rows use a, odd rows b
                    1 -1
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from .tile import COLUMNS, FUSED, INT64, LANES, VECTOR, address, load_vector, splat

Array = Any

ZERO = ir.Constant(VECTOR, [0.0] * LANES)


class ChannelRows(NamedTuple):
    """Rows of several channels in a flat array: row j of channel c begins at values[first + c · step + places[j]].

    `first` is a separate argument, so that one bundle serves all: making one in a loop costs two atomic updates of the
    reference count of each of its arrays.
    """

    values: Array
    step: int
    places: Array


def transform(matrices: list[Array], add: bool = False, relu: bool = False, gate: bool = False) -> Any:
    """A function for compiled code that multiplies rows of COLUMNS samples by one of `matrices`, for `count` channels:

        f(method, count, source, first, target, target_first, extra, extra_first)        source, target ChannelRows
        row i of target = Σ_j matrices[method][i, j] · row j of source

    `add`: added to what is there; `relu`: relu(… + extra[extra_first + c]), a bias; `gate`: the source counts only
    where extra, laid out like it, is positive.
    """

    def definition(  # type: ignore[no-untyped-def]
        method, count, source, first, target, target_first, extra, extra_first
    ):
        matrix = matrices[method].astype(np.float32)
        for c in range(count):
            starts = [first + c * source.step + source.places[j] for j in range(matrix.shape[1])]
            rows = np.stack([source.values[start : start + COLUMNS] for start in starts])
            if gate:
                rows = np.where([extra[start : start + COLUMNS] > 0 for start in starts], rows, 0)
            for i, total in enumerate(matrix @ rows):
                row = target.values[target_first + c * target.step + target.places[i] :][:COLUMNS]
                row[:] = row + total if add else np.maximum(total + extra[extra_first + c], 0) if relu else total

    @intrinsic
    def written(  # type: ignore[no-untyped-def]
        typing, method, count, source, first, target, target_first, extra, extra_first
    ):
        signature = types.void(method, count, source, first, target, target_first, extra, extra_first)
        (x, _, at), (out, _, places) = source.types, target.types

        def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
            method_, count_, source_, first_, target_, into_, extra_, extra_first_ = args
            x_, step_, at_ = cgutils.unpack_tuple(builder, source_, 3)
            out_, out_step_, places_ = cgutils.unpack_tuple(builder, target_, 3)

            def offsets(kind, table, number):  # type: ignore[no-untyped-def]
                return [builder.load(address(context, builder, kind, table, ir.Constant(INT64, i)))
                        for i in range(number)]

            def rows(kind, array, start, places):  # type: ignore[no-untyped-def]
                begin = address(context, builder, kind, array, start)
                return [builder.gep(begin, [offset]) for offset in places]

            def one_channel(matrix, channel, read, write):  # type: ignore[no-untyped-def]
                start = builder.add(first_, builder.mul(channel, step_))
                inputs = rows(x, x_, start, read)
                gates = rows(extra, extra_, start, read) if gate else []
                outputs = rows(out, out_, builder.add(into_, builder.mul(channel, out_step_)), write)
                if relu:
                    own = builder.add(extra_first_, channel)
                    bias = splat(builder, builder.load(address(context, builder, extra, extra_, own)))
                for offset in range(0, COLUMNS, LANES):
                    values = [load_vector(builder, row, offset) for row in inputs]
                    open_ = [load_vector(builder, row, offset) for row in gates]
                    if gate:
                        values = [where_positive(builder, g, v) for g, v in zip(open_, values, strict=True)]
                    for row, total in zip(outputs, combine(builder, matrix, values), strict=True):
                        if add:
                            total = builder.fadd(load_vector(builder, row, offset), total)
                        if relu:
                            total = builder.fadd(total, bias)
                            negative = builder.fcmp_ordered("<", total, ZERO)
                            total = builder.select(negative, ZERO, total)  # a NaN stays one, and is noticed
                        place = builder.gep(row, [ir.Constant(INT64, offset)])
                        builder.store(total, builder.bitcast(place, VECTOR.as_pointer()), align=4)

            end = builder.append_basic_block("transformed")
            switch = builder.switch(method_, end)
            for number, matrix in enumerate(matrices):
                block = builder.append_basic_block(f"method{number}")
                switch.add_case(ir.Constant(method_.type, number), block)
                builder.position_at_end(block)
                read, write = offsets(at, at_, matrix.shape[1]), offsets(places, places_, matrix.shape[0])
                with cgutils.for_range(builder, count_) as loop:
                    one_channel(matrix, loop.index, read, write)
                builder.branch(end)
            builder.position_at_end(end)
            return context.get_dummy_value()

        return signature, generate

    @overload(definition)
    def _(method, count, source, first, target, target_first, extra, extra_first):  # type: ignore[no-untyped-def]
        return lambda method, count, source, first, target, target_first, extra, extra_first: (
            written(method, count, source, first, target, target_first, extra, extra_first)  # type: ignore[call-arg]
        )

    return definition


def where_positive(builder: Any, gate: Any, value: Any) -> Any:
    """value where gate > 0, else 0."""
    return builder.select(builder.fcmp_ordered(">", gate, ZERO), value, ZERO)


def combine(builder: Any, matrix: Array, values: list[Any]) -> list[Any]:
    """The vectors Σ_j matrix[i, j] values[j], one for each row i.

    Two columns a and b that agree in the even rows and are opposite in the odd ones (those of the nodes ±p) become two
    of fewer entries, for a + b and a - b. Two such rows share the sums of their even and of their odd columns.
    """
    signs = (-1.0) ** np.arange(max(matrix.shape))
    vectors, columns = list(values), matrix.copy()
    for j in range(columns.shape[1] - 1):
        a, b = columns[:, j].copy(), columns[:, j + 1]
        if len(a) > 1 and a.any() and np.array_equal(b, a * signs[: len(a)]):
            vectors[j : j + 2] = builder.fadd(vectors[j], vectors[j + 1]), builder.fsub(vectors[j], vectors[j + 1])
            columns[:, j], columns[:, j + 1] = np.where(signs[: len(a)] > 0, a, 0), np.where(signs[: len(a)] > 0, 0, a)
    results: list[Any] = []
    for i, row in enumerate(columns):
        if len(results) > i:
            continue
        mirrored = row * signs[: len(row)]
        following = columns[i + 1] if i + 1 < len(columns) else None
        if following is not None and row[0::2].any() and row[1::2].any() and np.array_equal(following, mirrored):
            even, odd = (weighted(builder, row[half::2], vectors[half::2]) for half in (0, 1))
            results += builder.fadd(even, odd), builder.fsub(even, odd)
        else:
            results.append(weighted(builder, row, vectors))
    return results


def weighted(builder: Any, weights: Array, vectors: list[Any]) -> Any:
    """Σ weight · vector."""
    total = None
    for j in sorted(np.flatnonzero(weights), key=lambda j: weights[j] != 1):  # begins without a product if it can
        weight, vector = float(weights[j]), vectors[j]
        if total is None:
            total = vector if weight == 1 else builder.fmul(vector, ir.Constant(VECTOR, [weight] * LANES))
        elif abs(weight) == 1:
            total = (builder.fadd if weight > 0 else builder.fsub)(total, vector)
        else:
            product = builder.fmul(vector, ir.Constant(VECTOR, [weight] * LANES), flags=FUSED)
            total = builder.fadd(total, product, flags=FUSED)
    return ZERO if total is None else total

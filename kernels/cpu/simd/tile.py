"""The register tile: 8 × 48 numbers that stay in the processor's registers while a sum runs over them.

A processor can multiply and add far faster than it can load and store. A convolution is fast when each number that is
loaded serves many multiplications, so the innermost loop of all convolutions here works on a tile of ROWS × COLUMNS
sums that never leave the registers:

    outer_add    tile[r, :] += w[r] · x[0:COLUMNS]            8 + 3 loads for 24 fused multiply-adds
    dot_add      tile[r, v] += z_r[0:LANES] * x_v[0:LANES]    8 + 3 loads for 24 fused multiply-adds

COLUMNS = 48 is three AVX-512 vectors of 16 numbers: 8 × 3 = 24 sums, three vectors of x and one weight fill 28 of the
32 registers, and the network's lengths (47, 94, 188, 375, 750, 1500, 3000, 6000) leave little of a last tile empty.
Without AVX-512 a tile is 4 × 24. Where a product has few columns, the same registers hold a tall tile: one vector of
each of 24 rows.

LLVM does not do this for a plain loop (it keeps the sums in memory, at a sixth of the speed), so the operations are
written in LLVM's own language, and each also as the NumPy that it means: compiled code calls the former, plain Python
the latter.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

Array = Any

AVX512 = llvmlite.binding.get_host_cpu_features().get("avx512f", False)
ROWS, VECTORS, LANES = (8, 3, 16) if AVX512 else (4, 3, 8)
COLUMNS = VECTORS * LANES
TALL = ROWS * VECTORS  # rows of a tall tile, which is LANES wide
SUMS_STRIDE = -(-ROWS * VECTORS // LANES) * LANES  # what one tile's sums take up, in whole vectors

# -- what they mean --------------------------------------------------------------------------------------------------


def zero_tile() -> Array:
    """A tile of zeros."""
    return np.zeros((ROWS, VECTORS, LANES), np.float32)


def zero_tall_tile() -> Array:
    """A tall tile of zeros."""
    return np.zeros((TALL, 1, LANES), np.float32)


def numbers(array: Array, i: int, count: int) -> Array:
    """What compiled code loads from array[i] on, the array taken as flat: beyond a view's end what its owner has there,
    NaN beyond the owner's (a tile may read there for sums that are not used)."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    first = (array.ctypes.data - owner.ctypes.data) // array.itemsize + i
    found = owner.reshape(-1)[first : first + count]
    return np.concatenate([found, np.full(count - found.size, np.nan, np.float32)])


def outer_add(tile: Array, w: Array, i: int, x: Array, j: int) -> Array:
    """tile[r, :] + w[i + r] · x[j : j + columns of the tile]; w and x are indexed as flat arrays."""
    rows, vectors, _ = tile.shape
    return tile + numbers(w, i, rows)[:, None, None] * numbers(x, j, vectors * LANES).reshape(vectors, LANES)


def dot_add(tile: Array, z: Array, i: int, stride: int, x: Array, j0: int, j1: int, j2: int) -> Array:
    """tile[r, v] + z[i + r · stride :] * x[j_v :], LANES numbers each: ROWS × 3 dot products, lane by lane."""
    rows = np.stack([numbers(z, i + r * stride, LANES) for r in range(ROWS)])
    return tile + rows[:, None] * np.stack([numbers(x, j, LANES) for j in (j0, j1, j2)])


def store_tile(tile: Array, out: Array, i: int, stride: int) -> None:
    """out[i + r · stride : … + columns of the tile] = tile[r]; out is indexed as a flat array."""
    for r, row in enumerate(tile.reshape(len(tile), -1)):
        out.reshape(-1)[i + r * stride : i + r * stride + row.size] = row


def add_sums(tile: Array, out: Array, i: int) -> None:
    """out[i + VECTORS · r + v] += Σ tile[r, v]: the lanes of each dot product added up.

    Compiled code adds whole vectors: the rest of the SUMS_STRIDE numbers is not used.
    """
    out.reshape(-1)[i : i + ROWS * VECTORS] += tile.sum(axis=2).reshape(-1)


# -- what compiled code calls ----------------------------------------------------------------------------------------

FLOAT, INT32, INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, LANES)
SUMS = ir.ArrayType(VECTOR, ROWS * VECTORS)
FUSED = ("contract",)  # a multiplication and the addition after it may become one instruction


class TileType(types.Type):
    """The type of a tile in compiled code: rows × vectors, ROWS · VECTORS of them in all, held by value."""

    def __init__(self, rows: int, vectors: int) -> None:
        self.rows, self.vectors = rows, vectors
        super().__init__(name=f"Tile({rows}, {vectors}, {LANES})")


@register_model(TileType)
class TileModel(models.PrimitiveModel):
    """In LLVM a tile is an array of vectors, which its passes take apart into registers."""

    def __init__(self, manager: Any, fe_type: Any):
        super().__init__(manager, fe_type, SUMS)


def address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Where array[index] lies, in the LLVM code under way."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def load_vector(builder: Any, place: Any, offset: int = 0) -> Any:
    """LANES numbers, `offset` numbers beyond a place."""
    at = builder.gep(place, [ir.Constant(INT64, offset)]) if offset else place
    return builder.load(builder.bitcast(at, VECTOR.as_pointer()), align=4)


def splat(builder: Any, value: Any) -> Any:
    """LANES times the same number."""
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(INT32, 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES))


def _multiply_add(builder: Any, tile: Any, place: int, a: Any, b: Any) -> Any:
    total = builder.fadd(builder.extract_value(tile, place), builder.fmul(a, b, flags=FUSED), flags=FUSED)
    return builder.insert_value(tile, total, place)


@intrinsic
def _zero_tile(typing: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(SUMS, None)

    return TileType(ROWS, VECTORS)(), generate


@intrinsic
def _zero_tall_tile(typing: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(SUMS, None)

    return TileType(TALL, 1)(), generate


@intrinsic
def _outer_add(typing: Any, tile: Any, w: Any, i: Any, x: Any, j: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile_, w_, i_, x_, j_ = args
        weights = address(context, builder, signature.args[1], w_, i_)
        row = address(context, builder, signature.args[3], x_, j_)
        x_vectors = [load_vector(builder, row, v * LANES) for v in range(tile.vectors)]
        for r in range(tile.rows):
            weight = builder.load(builder.gep(weights, [ir.Constant(INT64, r)]))
            broadcast = splat(builder, weight)
            for v in range(tile.vectors):
                tile_ = _multiply_add(builder, tile_, r * tile.vectors + v, broadcast, x_vectors[v])
        return tile_

    return tile(tile, w, i, x, j), generate


@intrinsic
def _dot_add(typing: Any, tile: Any, z: Any, i: Any, stride: Any, x: Any, j0: Any, j1: Any, j2: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile_, z_, i_, stride_, x_ = args[:5]
        x_vectors = [load_vector(builder, address(context, builder, signature.args[4], x_, j)) for j in args[5:]]
        row = address(context, builder, signature.args[1], z_, i_)
        for r in range(ROWS):
            z_vector = load_vector(builder, row)
            row = builder.gep(row, [stride_])
            for v in range(VECTORS):
                tile_ = _multiply_add(builder, tile_, r * VECTORS + v, z_vector, x_vectors[v])
        return tile_

    return tile(tile, z, i, stride, x, j0, j1, j2), generate


@intrinsic
def _store_tile(typing: Any, tile: Any, out: Any, i: Any, stride: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile_, out_, i_, stride_ = args
        row = address(context, builder, signature.args[1], out_, i_)
        for r in range(tile.rows):
            for v in range(tile.vectors):
                at = builder.gep(row, [ir.Constant(INT64, v * LANES)])
                value = builder.extract_value(tile_, r * tile.vectors + v)
                builder.store(value, builder.bitcast(at, VECTOR.as_pointer()), align=4)
            row = builder.gep(row, [stride_])
        return context.get_dummy_value()

    return types.void(tile, out, i, stride), generate


@intrinsic
def _add_sums(typing: Any, tile: Any, out: Any, i: Any) -> Any:
    def fold(builder: Any, a: Any, b: Any) -> Any:
        """Neighbouring lanes of a, then of b, added in pairs: half as many lanes of twice as many sums."""
        even, odd = ([ir.Constant(INT32, lane) for lane in range(first, 2 * LANES, 2)] for first in (0, 1))
        lanes = ir.VectorType(INT32, LANES)
        return builder.fadd(
            builder.shuffle_vector(a, b, ir.Constant(lanes, even)),
            builder.shuffle_vector(a, b, ir.Constant(lanes, odd)),
        )

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile_, out_, i_ = args
        vectors = [builder.extract_value(tile_, place) for place in range(ROWS * VECTORS)]
        for _ in range(LANES.bit_length() - 1):  # each round folds all vectors in pairs, until a lane is a sum
            vectors += vectors[-1:] * (len(vectors) % 2)
            vectors = [fold(builder, a, b) for a, b in zip(vectors[0::2], vectors[1::2], strict=True)]
        at = address(context, builder, signature.args[1], out_, i_)
        for v, vector in enumerate(vectors):
            place = builder.bitcast(builder.gep(at, [ir.Constant(INT64, v * LANES)]), VECTOR.as_pointer())
            builder.store(builder.fadd(builder.load(place, align=4), vector), place, align=4)
        return context.get_dummy_value()

    return types.void(tile, out, i), generate


@overload(zero_tile)
def _(): # type: ignore[no-untyped-def]
    return lambda: _zero_tile()  # type: ignore[call-arg]


@overload(zero_tall_tile)
def _(): # type: ignore[no-untyped-def]
    return lambda: _zero_tall_tile()  # type: ignore[call-arg]


@overload(outer_add)
def _(tile, w, i, x, j): # type: ignore[no-untyped-def]
    return lambda tile, w, i, x, j: _outer_add(tile, w, i, x, j)  # type: ignore[call-arg]


@overload(dot_add)
def _(tile, z, i, stride, x, j0, j1, j2): # type: ignore[no-untyped-def]
    return lambda tile, z, i, stride, x, j0, j1, j2: _dot_add(tile, z, i, stride, x, j0, j1, j2)  # type: ignore[call-arg]


@overload(store_tile)
def _(tile, out, i, stride): # type: ignore[no-untyped-def]
    return lambda tile, out, i, stride: _store_tile(tile, out, i, stride)  # type: ignore[call-arg]


@overload(add_sums)
def _(tile, out, i): # type: ignore[no-untyped-def]
    return lambda tile, out, i: _add_sums(tile, out, i)  # type: ignore[call-arg]

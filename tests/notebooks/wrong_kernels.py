"""Kernels with a likely mistake, and a part of what the check must answer: {exercise: [(wrong answer, reason)]}.

Each is the worked answer with one piece of it changed.
"""

from __future__ import annotations

from answers import cuda


def changed(kernel, old, new):
    assert kernel.count(old) == 1
    return kernel.replace(old, new)


WRONG_KERNELS = {
    "cuda.scale": [
        (changed(cuda.scale, "gain * x[i]", "gain + x[i]"), "y is off by up to"),
        (changed(cuda.scale, "gain * x[i];", "gain * x[j];"), "it does not compile, line 4 `y[i] = gain * x[j];`: "),
    ],
    "cuda.guarded": [
        (changed(cuda.guarded, "if (i < N) ", ""), "a thread wrote y[40], and y has 40 numbers"),
        (changed(cuda.guarded, "i < N", "i < 32"), "y[32] is not a number: was it not written"),
    ],
    "cuda.neighbours": [
        (changed(cuda.neighbours, "blockIdx.x * blockDim.x + ", ""), "wrote at line 5 `y[i] = i > 0"),
        (changed(cuda.neighbours, "i > 0 ? x[i] - x[i - 1] : 0", "x[i] - x[i - 1]"), "y[0] is not a number"),
    ],
    "cuda.side_by_side": [
        (changed(cuda.side_by_side, "k * blockDim.x + threadIdx.x", "4 * threadIdx.x + k"), "128 sectors where 32 "),
        (changed(cuda.side_by_side, "k < 4", "k < 3"), "y[96] is not a number"),
    ],
    "cuda.turned": [
        (changed(cuda.turned, "    __syncthreads();\n", ""), "thread 15 of block 0 read at line 6"),
        (changed(cuda.turned, "kept[31 - t];", "x[first + 31 - t];"), "not from x"),
        (changed(cuda.turned, "31 - t", "t"), "y is off by up to"),
    ],
    "cuda.energy": [
        (changed(cuda.energy, "        __syncthreads();\n", ""), "a race in shared memory"),
        (
            changed(cuda.energy, "kept[t + half];\n        __syncthreads();", "kept[t + half], __syncthreads();"),
            "a barrier was not reached by all threads",
        ),
    ],
    "cuda.convolved": [
        (changed(cuda.convolved, "0 <= s && s < N ? x[s] : 0", "x[s]"), "y[0] is not a number"),
        (changed(cuda.convolved, "    __syncthreads();\n", ""), "a race in shared memory"),
        (changed(cuda.convolved, "w[k] * kept[t + k]", "w[k] * kept[t + 4 - k]"), "y is off by up to"),
    ],
    "cuda.pooled": [
        (changed(cuda.pooled, "__shfl_xor_sync(0xffffffffu, mine, 1)", "x[t ^ 1]"), "a thread reads 2 numbers of x"),
        (changed(cuda.pooled, "_xor_", "_down_").replace("t % 2 == 0", "t % 2 == 1"), "y is off by up to"),
    ],
    "cuda.remaining": [
        (
            changed(
                cuda.remaining,
                "kept[t + step] : 0;\n        __syncthreads();\n        kept[t] += later;",
                "kept[t + step] : 0; kept[t] += later;",
            ),
            "; kept[t] += later;`. The numbers are right all the same",
        ),
        (changed(cuda.remaining, "        __syncthreads();\n        float", "        float"), "a race in shared"),
    ],
}

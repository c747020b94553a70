// Weights as a convolution's tiles read them, computed once for all blocks. W is a layer's own array (O, C, K).
//
// A tile of correlate.cuh or tensor.cuh takes `chunk` channels at a time of up to 64 filters. What it needs for them lies
// side by side here, in the order of shared memory, so that a block copies four numbers at a time:
//
//     into [block of filters][chunk][row][filter of the block]       row = channel K + tap, or tap chunk + channel
//
// Filters and channels that do not exist are zero. One thread per number: reads each weight once, folded ones twice, and
// writes it once; 0.3 MB for the largest layer. Two convolutions in one launch (blockIdx.y), a layer's own and that of its
// input's gradient, because a launch takes longer than the work: even in evaluation, which does not need the second.

#include "correlate.cuh"

const int FORWARD = 0, BACKWARD = 1, FOLDED = 2;  // FOLDED + BACKWARD: both

// The weight of filter f for channel c at tap k of a convolution of F filters, C channels and K taps:
//     FORWARD             W[f, c, k]
//     BACKWARD            the gradient of the input: W[c, f, K - 1 - k], filters and channels swapped, taps reversed
//     FOLDED              decoder_folded.cu's filter 2 o + phase: W[o, c, 2k - phase] + W[o, c, 2k + 1 - phase]
//     FOLDED + BACKWARD   its channel 2 o + parity: W[o, f, q] + W[o, f, q - 1], q = Q - parity - 2 (k - lft)
// `taps` are those of W; outside of them it is zero.
__device__ float weight(const float* W, int kind, int f, int c, int k, int F, int C, int K, int taps, int Q) {
    if (kind == FORWARD) return W[(f * C + c) * K + k];
    if (kind == BACKWARD) return W[(c * F + f) * K + K - 1 - k];
    int q = kind == FOLDED ? 2 * k + 1 - f % 2 : Q - c % 2 - 2 * (k - taps / 2 + (Q - 1) / 2);
    const float* own = W + (kind == FOLDED ? f / 2 * C + c : c / 2 * F + f) * taps;
    return (0 < q && q <= taps ? own[q - 1] : 0.0f) + (0 <= q && q < taps ? own[q] : 0.0f);
}

// taps_first: the rows of tensor.cuh.
__device__ inline void place(const float* W, float* into, int kind, int F, int C, int K, int taps, int Q, int filters,
                             int chunk, int taps_first, int size) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    int rows = chunk * K, chunks = (C + chunk - 1) / chunk;
    int row = i / filters % rows, piece = i / filters / rows;
    int f = piece / chunks * MOST_FILTERS + i % filters;
    int c = piece % chunks * chunk + (taps_first ? row % chunk : row / K), k = taps_first ? row / chunk : row % K;
    float value = f < F && c < C ? weight(W, kind, f, c, k, F, C, K, taps, Q) : 0.0f;
    into[i] = taps_first ? stored(value) : value;
}

extern "C" __global__ void lay_out(const float* W0, float* into0, int kind0, int F0, int C0, int K0, int taps0, int Q0,
                                   int filters0, int chunk0, int taps_first0, int size0, const float* W1, float* into1,
                                   int kind1, int F1, int C1, int K1, int taps1, int Q1, int filters1, int chunk1,
                                   int taps_first1, int size1) {
    if (blockIdx.y == 0)
        place(W0, into0, kind0, F0, C0, K0, taps0, Q0, filters0, chunk0, taps_first0, size0);
    else
        place(W1, into1, kind1, F1, C1, K1, taps1, Q1, filters1, chunk1, taps_first1, size1);
}

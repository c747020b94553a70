// Convolutions: one tile of outputs per block, with any operation before and after.
//
//     sum[o, t] = Σ_c Σ_k weight[o, c, k] · read(c)(t + k - left)
//
// The kernel gives `read(c)`, a channel's numbers, and `write(o)`, the place of a filter's sums, in two steps: what belongs
// to a whole channel or filter, a bias or a normalisation, is loaded and computed once and not for every moment. ReLU,
// pooling, upsampling, normalisation and their gradients happen while a tile is loaded and while its sums are written, so
// that arrays in between are never written. A gradient of an input is a correlation too, with filters and channels
// changing roles and the taps reversed. The weights come in the tile's order (layout.cu): finding them one by one, with a
// division for each, was a third as many instructions as the sums.
//
// Layout. A block of 128 threads has one sample (blockIdx.y), up to 64 filters (blockIdx.z) and a stretch of time
// (blockIdx.x). A thread has ROWS filters next to each other and TIMES moments, `lanes` apart, so that a warp reads
// neighbouring samples (no bank conflicts) and one address of weights (a broadcast):
//
//     filters 8 group … 8 group + 7      group = thread / lanes        of `groups` groups, a power of two
//     moments lane, lane + lanes, …      lane  = thread % lanes        lanes = 128 / groups
//
// Per tap a thread loads 2 float4 of weights and 6 samples from shared memory for 48 multiply-adds: 6 per load, where the
// GPU needs at least 4 (a multiprocessor starts 4 warps of multiply-adds per cycle and one of loads).
//
// Bytes and operations of a layer: reads C T and writes O T floats per sample and the weights once per block (they stay in
// the second-level cache); 2 C O K T operations. `correlate.py` cuts the work in the same way.
#pragma once

#include "shared.cuh"
#include "tensor.cuh"

const int THREADS = 128, WARP = 32, MOST_FILTERS = 64;

// How many groups of `rows` filters a block has: a power of two.
__device__ inline int groups_of(int filters, int rows) {
    int groups = 1;
    while (groups * rows < min(filters, MOST_FILTERS)) groups *= 2;
    return groups;
}

// Zero outside of a row, as 'same' padding has it.
__device__ inline float inside(const float* row, int t, int T) { return unsigned(t) < unsigned(T) ? row[t] : 0.0f; }

template <int ROWS>
__device__ inline void load_weights(const float* from, float* into) {
    if (ROWS == 8) {
        float4 low = reinterpret_cast<const float4*>(from)[0], high = reinterpret_cast<const float4*>(from)[1];
        into[0] = low.x, into[1] = low.y, into[2] = low.z, into[3] = low.w;
        into[4] = high.x, into[5] = high.y, into[6] = high.z, into[7] = high.w;
    } else {
        for (int r = 0; r < ROWS; r++) into[r] = from[r];
    }
}

template <int ROWS, int TIMES, class Read, class Write>
__device__ void correlate_tile(const float* weights, Read read, Write write, int C, int O, int K, int left, int chunk) {
    int groups = groups_of(O, ROWS), lanes = THREADS / groups;
    int group = threadIdx.x / lanes, lane = threadIdx.x % lanes;
    int warp = threadIdx.x / WARP, in_warp = threadIdx.x % WARP;
    int filters = groups * ROWS, first_filter = blockIdx.z * MOST_FILTERS;
    int width = TIMES * lanes, first = blockIdx.x * width, samples = width + K - 1;
    int pitch = ROWS == 8 ? filters + 4 : filters;  // float4, and fewer bank conflicts while the tile is filled
    Shared shared;
    float* x = shared.take<float>(chunk * samples);     // [channel][sample]
    float* w = shared.take<float>(chunk * K * pitch);   // [channel][tap][filter]

    weights += blockIdx.z * ((C + chunk - 1) / chunk) * chunk * K * filters;
    float sums[ROWS][TIMES] = {};
    for (int c0 = 0; c0 < C; c0 += chunk) {
        int channels = min(chunk, C - c0);
        __syncthreads();
        for (int c = warp; c < channels; c += THREADS / WARP) {
            auto row = read(c0 + c);
            for (int s = in_warp; s < samples; s += WARP) x[c * samples + s] = row(first + s - left);
        }
        copy_rows(weights, w, channels * K, filters, pitch);
        weights += chunk * K * filters;
        __syncthreads();
        for (int c = 0; c < channels; c++)
            for (int k = 0; k < K; k++) {
                float tap[ROWS];
                load_weights<ROWS>(w + (c * K + k) * pitch + group * ROWS, tap);
                const float* from = x + c * samples + lane + k;
#pragma unroll
                for (int j = 0; j < TIMES; j++) {
                    float sample = from[j * lanes];
#pragma unroll
                    for (int r = 0; r < ROWS; r++) sums[r][j] += tap[r] * sample;
                }
            }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        auto put = write(first_filter + group * ROWS + r);
#pragma unroll
        for (int j = 0; j < TIMES; j++) put(first + lane + j * lanes, sums[r][j]);  // every thread, each time
    }
}

// The tile that suits O filters over T moments. What `write` gives is called by all threads of a warp together, also for
// filters from O and moments from T on, so that it may exchange sums with its neighbours.
template <class Read, class Write>
__device__ void correlate(const float* weights, Read read, Write write, int C, int O, int K, int left, int T, int chunk) {
#ifdef TF32
    if (O > TENSOR_FILTERS) {
        correlate_tensor<2>(weights, read, write, C, O, K, left, chunk);
        return;
    }
    if (O == TENSOR_FILTERS) {
        correlate_tensor<1>(weights, read, write, C, O, K, left, chunk);
        return;
    }
#endif
    if (O == 1)
        correlate_tile<1, 6>(weights, read, write, C, O, K, left, chunk);
    else if (T <= 3 * THREADS / groups_of(O, 8))
        correlate_tile<8, 3>(weights, read, write, C, O, K, left, chunk);
    else
        correlate_tile<8, 6>(weights, read, write, C, O, K, left, chunk);
}

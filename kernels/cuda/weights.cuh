// The gradient of a convolution's weights and bias: sums over all samples and moments.
//
//     dW[o, c, k] = Σ_n Σ_t dz(n, o)(t) · x(n, c)(t + k - left),      db[o] = Σ_n Σ_t dz(n, o)(t)
//
// As a matrix product it has O rows and C K + 1 columns, the last of them for ones (that is db), and a very long inner
// dimension, B T. The inner dimension is cut twice, always in the same way, so that a sum has one order:
//   - blocks (blockIdx.x) take strips of `width` moments in turn and leave one partial result each, added up
//     afterwards by sums.cu;
//   - within a block, `slices` of threads take every slices-th run of four moments, and are added up in shared memory.
// A thread has ROWS filters × 4 columns, `lanes` apart: 2 float4 of dz (a broadcast) and 4 numbers of x for 32
// multiply-adds. Rows of x lie K more than a multiple of 32 apart, so that neighbouring columns lie in neighbouring banks.
//
// Bytes: x and dz once for every blockIdx.y and .z; operations 2 O (C K + 1) B T. `correlate.py` cuts in the same way.
#pragma once

#include "correlate.cuh"

const int GRADIENT_THREADS = 256, COLUMNS = 4, RUN = 4;

// Where the samples of a block's column begin: those of its channel and tap, or the row of ones after all channels.
__device__ inline int samples_of(int column, int C, int K, int first_channel, int row, int rows_of_x) {
    return column < C * K ? (column / K - first_channel) * row + column % K : (rows_of_x - 1) * row;
}

// Every thread's sums, one slice after the other, into the block's partial result: the order of a sum is fixed.
// place(i) is where sum i is in the block: row and column. `sums` are rows of `columns`.
template <int COUNT, class Place>
__device__ void add_slices(const float* mine, Place place, float* sums, int slice, int slices, int columns, int O,
                           int total, float* partial) {
    int first_filter = blockIdx.z * MOST_FILTERS, first_column = blockIdx.y * columns;
    for (int s = 0; s < slices; s++) {
        __syncthreads();
        if (slice != s) continue;
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            int2 at = place(i);
            int o = first_filter + at.x, column = first_column + at.y;
            float* sum = sums + at.x * columns + at.y;
            float value = s ? *sum + mine[i] : mine[i];
            if (s + 1 < slices)
                *sum = value;
            else if (o < O && column < total)
                partial[(size_t(blockIdx.x) * O + o) * total + column] = value;
        }
    }
}

template <int ROWS, class ReadDz, class ReadX>
__device__ void weight_gradient_tile(ReadDz read_dz, ReadX read_x, float* partial, int B, int C, int O, int K, int left,
                                     int T, int width, int rows_of_x) {
    const int ACROSS = ROWS == 8 ? 8 : GRADIENT_THREADS;  // moments of dz side by side: a sector of four rows, four banks
    int groups = groups_of(O, ROWS), total = C * K + 1, lanes = 1;
    while (lanes * COLUMNS < total && lanes * groups < GRADIENT_THREADS) lanes *= 2;
    int slices = GRADIENT_THREADS / (groups * lanes);
    int lane = threadIdx.x % lanes, group = threadIdx.x / lanes % groups, slice = threadIdx.x / (lanes * groups);
    int warp = threadIdx.x / WARP, in_warp = threadIdx.x % WARP, warps = GRADIENT_THREADS / WARP;
    int filters = groups * ROWS, pitch = ROWS == 8 ? filters + 4 : filters, row = (width + 31) / 32 * 32 + K;
    int first_filter = blockIdx.z * MOST_FILTERS, real = min(filters, O - first_filter), columns = COLUMNS * lanes;
    int first_channel = min(int(blockIdx.y) * columns / K, C), channels = min(C - first_channel, rows_of_x - 1);
    Shared shared;
    float* x = shared.take<float>(rows_of_x * row);  // [channel][sample]; the last row holds ones
    float* dz = shared.take<float>(width * pitch);   // [moment][filter]
    float* sums = shared.take<float>(slices > 1 ? filters * columns : 0);

    int begins[COLUMNS];
#pragma unroll
    for (int j = 0; j < COLUMNS; j++)
        begins[j] = samples_of(blockIdx.y * columns + lane + j * lanes, C, K, first_channel, row, rows_of_x);
    for (int s = threadIdx.x; s < row; s += GRADIENT_THREADS) x[(rows_of_x - 1) * row + s] = 1.0f;
    for (int i = threadIdx.x; i < width * (filters - real); i += GRADIENT_THREADS)
        dz[i / (filters - real) * pitch + real + i % (filters - real)] = 0.0f;

    float mine[ROWS * COLUMNS] = {};
    int pieces = (T + width - 1) / width;  // of a sample
    for (int strip = blockIdx.x; strip < B * pieces; strip += gridDim.x) {
        int n = strip / pieces, first = strip % pieces * width;
        __syncthreads();
        for (int c = warp; c < channels; c += warps) {
            auto channel = read_x(n, first_channel + c);
            for (int s = in_warp; s < width + K - 1; s += WARP) x[c * row + s] = channel(first + s - left);
        }
        for (int o = threadIdx.x / ACROSS; o < real; o += GRADIENT_THREADS / ACROSS) {
            auto filter = read_dz(n, first_filter + o);
            for (int t = threadIdx.x % ACROSS; t < width; t += ACROSS) dz[t * pitch + o] = filter(first + t);
        }
        __syncthreads();
        for (int t = RUN * slice; t < width; t += RUN * slices)
#pragma unroll
            for (int u = 0; u < RUN; u++) {
                float gradient[ROWS];
                load_weights<ROWS>(dz + (t + u) * pitch + group * ROWS, gradient);
#pragma unroll
                for (int j = 0; j < COLUMNS; j++) {
                    float sample = x[begins[j] + t + u];
#pragma unroll
                    for (int r = 0; r < ROWS; r++) mine[r * COLUMNS + j] += gradient[r] * sample;
                }
            }
    }
    add_slices<ROWS * COLUMNS>(
        mine, [=](int i) { return int2{group * ROWS + i / COLUMNS, lane + i % COLUMNS * lanes}; }, sums, slice, slices,
        columns, O, total, partial);
}

#include "tensor_weights.cuh"

template <class ReadDz, class ReadX>
__device__ void weight_gradient(ReadDz read_dz, ReadX read_x, float* partial, int B, int C, int O, int K, int left,
                                int T, int width, int rows_of_x) {
#ifdef TF32
    if (O > TENSOR_FILTERS) {
        weight_gradient_tensor<2>(read_dz, read_x, partial, B, C, O, K, left, T, width, rows_of_x);
        return;
    }
    if (O == TENSOR_FILTERS) {
        weight_gradient_tensor<1>(read_dz, read_x, partial, B, C, O, K, left, T, width, rows_of_x);
        return;
    }
#endif
    if (O == 1)
        weight_gradient_tile<1>(read_dz, read_x, partial, B, C, O, K, left, T, width, rows_of_x);
    else
        weight_gradient_tile<8>(read_dz, read_x, partial, B, C, O, K, left, T, width, rows_of_x);
}

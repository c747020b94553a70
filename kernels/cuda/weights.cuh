// The gradient of a convolution's weights and bias: sums over all samples and moments.
//
//     dW[o, c, k] = Σ_n Σ_t dz(n, o, t) · x(n, c, t + k - left),      db[o] = Σ_n Σ_t dz(n, o, t)
//
// As a matrix product it has O rows and C K + 1 columns, the last of them against ones (that is db), and a very long
// inner dimension, B T. The inner dimension is cut twice, always in the same way, so that a sum has one order:
//   - blocks (blockIdx.x) take strips of `width` moments in turn and leave one partial result each, added up
//     afterwards by sums.cu;
//   - within a block, `slices` of threads take every slices-th moment, and are added up in shared memory.
// A thread has ROWS filters × 4 columns, `lanes` apart: 2 float4 of dz (a broadcast) and 4 numbers of x for 32
// multiply-adds. Rows of x lie width + K apart, so that neighbouring columns lie in neighbouring banks.
//
// Bytes: x and dz once for every blockIdx.y and .z; operations 2 O (C K + 1) B T.
#pragma once

#include "correlate.cuh"

const int GRADIENT_THREADS = 256, COLUMNS = 4;

template <int ROWS, class ReadDz, class ReadX>
__device__ void weight_gradient_tile(ReadDz read_dz, ReadX read_x, float* partial, int B, int C, int O, int K, int left,
                                     int T, int width, int rows_of_x) {
    int groups = groups_of(O, ROWS), total = C * K + 1, lanes = 1;
    while (lanes * COLUMNS < total && lanes * groups < GRADIENT_THREADS) lanes *= 2;
    int slices = GRADIENT_THREADS / (groups * lanes);
    int lane = threadIdx.x % lanes, group = threadIdx.x / lanes % groups, slice = threadIdx.x / (lanes * groups);
    int warp = threadIdx.x / WARP, in_warp = threadIdx.x % WARP, warps = GRADIENT_THREADS / WARP;
    int filters = groups * ROWS, pitch = ROWS == 8 ? filters + 4 : filters, row = width + K;
    int first_filter = blockIdx.z * MOST_FILTERS, first_column = blockIdx.y * COLUMNS * lanes;
    int first_channel = min(first_column / K, C), channels = min(C - first_channel, rows_of_x - 1);
    Shared shared;
    float* x = shared.take<float>(rows_of_x * row);  // [channel][sample]; the last row holds ones
    float* dz = shared.take<float>(width * pitch);   // [moment][filter]
    float* sums = shared.take<float>(slices > 1 ? filters * COLUMNS * lanes : 0);

    int place[COLUMNS];  // where a column's samples begin
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
        int column = first_column + lane + j * lanes;
        place[j] = column < C * K ? (column / K - first_channel) * row + column % K : (rows_of_x - 1) * row;
    }
    for (int s = threadIdx.x; s < row; s += GRADIENT_THREADS) x[(rows_of_x - 1) * row + s] = 1.0f;

    float mine[ROWS][COLUMNS] = {};
    int pieces = (T + width - 1) / width;  // of a sample
    for (int strip = blockIdx.x; strip < B * pieces; strip += gridDim.x) {
        int n = strip / pieces, first = strip % pieces * width;
        __syncthreads();
        for (int c = warp; c < channels; c += warps)
            for (int s = in_warp; s < width + K - 1; s += WARP)
                x[c * row + s] = read_x(n, first_channel + c, first + s - left);
        for (int o = warp; o < filters; o += warps)
            for (int t = in_warp; t < width; t += WARP)
                dz[t * pitch + o] = first_filter + o < O ? read_dz(n, first_filter + o, first + t) : 0.0f;
        __syncthreads();
        for (int t = slice; t < width; t += slices) {
            float gradient[ROWS];
            load_weights<ROWS>(dz + t * pitch + group * ROWS, gradient);
#pragma unroll
            for (int j = 0; j < COLUMNS; j++) {
                float sample = x[place[j] + t];
#pragma unroll
                for (int r = 0; r < ROWS; r++) mine[r][j] += gradient[r] * sample;
            }
        }
    }
    for (int s = 0; s < slices; s++) {  // one slice after the other: the order of a sum is fixed
        __syncthreads();
        if (slice != s) continue;
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int j = 0; j < COLUMNS; j++) {
                int o = first_filter + group * ROWS + r, column = first_column + lane + j * lanes;
                float* sum = sums + (group * ROWS + r) * COLUMNS * lanes + lane + j * lanes;
                float value = s ? *sum + mine[r][j] : mine[r][j];
                if (s + 1 < slices)
                    *sum = value;
                else if (o < O && column < total)
                    partial[(size_t(blockIdx.x) * O + o) * total + column] = value;
            }
    }
}

template <class ReadDz, class ReadX>
__device__ void weight_gradient(ReadDz read_dz, ReadX read_x, float* partial, int B, int C, int O, int K, int left,
                                int T, int width, int rows_of_x) {
    if (O == 1)
        weight_gradient_tile<1>(read_dz, read_x, partial, B, C, O, K, left, T, width, rows_of_x);
    else
        weight_gradient_tile<8>(read_dz, read_x, partial, B, C, O, K, left, T, width, rows_of_x);
}

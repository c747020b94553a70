// The gradient of a convolution's weights on tensor cores: weights.cuh's sums, with tensor.cuh's instruction.
//
// Moments are now what is summed over, eight at a time: one instruction multiplies 16 filters × 8 moments of dz by 8 moments
// × 8 columns of x. A block of 8 warps has up to 64 filters (blockIdx.z) and up to 256 columns (blockIdx.y); a warp has
// 16 HIGH filters and 32 columns; further warps share the moments, every slices-th eight. With g = lane / 4 and
// i = lane % 4 a thread holds, of each instruction,
//
//     dz (filter, moment)      (g, i) (g + 8, i) (g, i + 4) (g + 8, i + 4)
//     x (moment, column)       (i, g) (i + 4, g)
//     sums (filter, column)    (g, 2i) (g, 2i + 1) (g + 8, 2i) (g + 8, 2i + 1)
//
// For eight moments it loads 4 HIGH + 8 numbers for 4 HIGH instructions. Rows of dz lie an odd number of times four apart,
// those of x K + 3 more than a multiple of 32: the 32 loads of a warp go to as many banks.
#pragma once

#include "tensor.cuh"

const int TENSOR_COLUMNS = 32, GRADIENT_WARPS = GRADIENT_THREADS / WARP;

template <int HIGH, class ReadDz, class ReadX>
__device__ void weight_gradient_tensor(ReadDz read_dz, ReadX read_x, float* partial, int B, int C, int O, int K, int left,
                                       int T, int width, int rows_of_x) {
    const int WIDE = TENSOR_COLUMNS / 8, COUNT = HIGH * WIDE * 4;
    int total = C * K + 1, down = O > HIGH * TENSOR_FILTERS ? 2 : 1, across = 1;  // warps over filters and columns
    while (across * TENSOR_COLUMNS < total && across * down < GRADIENT_WARPS) across *= 2;
    int slices = GRADIENT_WARPS / (down * across), filters = down * HIGH * TENSOR_FILTERS, columns = across * TENSOR_COLUMNS;
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, g = lane / 4, i = lane % 4, slice = warp / (down * across);
    int my_filter = warp / across % down * HIGH * TENSOR_FILTERS, my_column = warp % across * TENSOR_COLUMNS;
    int pitch = width + 4, row = (width + 31) / 32 * 32 + K + 3, first_filter = blockIdx.z * MOST_FILTERS;
    int real = min(filters, O - first_filter), first_channel = min(int(blockIdx.y) * columns / K, C);
    int channels = min(C - first_channel, rows_of_x - 1);
    Shared shared;
    float* x = shared.take<float>(rows_of_x * row);   // [channel][sample]; the last row holds ones
    float* dz = shared.take<float>(filters * pitch);  // [filter][moment]
    float* sums = shared.take<float>(slices > 1 ? filters * columns : 0);

    int begins[WIDE];
#pragma unroll
    for (int j = 0; j < WIDE; j++)
        begins[j] = samples_of(blockIdx.y * columns + my_column + 8 * j + g, C, K, first_channel, row, rows_of_x);
    for (int s = threadIdx.x; s < row; s += GRADIENT_THREADS) x[(rows_of_x - 1) * row + s] = 1.0f;
    for (int s = threadIdx.x; s < (filters - real) * pitch; s += GRADIENT_THREADS) dz[real * pitch + s] = 0.0f;

    float mine[COUNT] = {};
    int pieces = (T + width - 1) / width;
    for (int strip = blockIdx.x; strip < B * pieces; strip += gridDim.x) {
        int n = strip / pieces, first = strip % pieces * width;
        __syncthreads();
        for (int c = warp; c < channels; c += GRADIENT_WARPS) {
            auto channel = read_x(n, first_channel + c);
            for (int s = lane; s < width + K - 1; s += WARP) x[c * row + s] = stored(channel(first + s - left));
        }
        for (int o = warp; o < real; o += GRADIENT_WARPS) {
            auto filter = read_dz(n, first_filter + o);
            for (int t = lane; t < width; t += WARP) dz[o * pitch + t] = stored(filter(first + t));
        }
        __syncthreads();
        for (int t = 8 * slice; t < width; t += 8 * slices) {
            Operand<4> gradient[HIGH];
#pragma unroll
            for (int h = 0; h < HIGH; h++) {
                const float* from = dz + (my_filter + h * TENSOR_FILTERS + g) * pitch + t + i;
                gradient[h].set(0, from[0]), gradient[h].set(1, from[8 * pitch]);
                gradient[h].set(2, from[4]), gradient[h].set(3, from[8 * pitch + 4]);
            }
#pragma unroll
            for (int j = 0; j < WIDE; j++) {
                Operand<2> pair;
                pair.set(0, x[begins[j] + t + i]), pair.set(1, x[begins[j] + t + i + 4]);
#pragma unroll
                for (int h = 0; h < HIGH; h++) multiply_add_all(mine + (h * WIDE + j) * 4, gradient[h], pair);
            }
        }
    }
    add_slices<COUNT>(
        mine,
        [=](int n) {
            int part = n % 4, j = n / 4 % WIDE, h = n / 4 / WIDE;
            return int2{my_filter + h * TENSOR_FILTERS + g + part / 2 * 8, my_column + 8 * j + 2 * i + part % 2};
        },
        sums, slice, slices, columns, O, total, partial);
}

// Sums in one order: over the threads of a block, and over the partial results that blocks have left.
#pragma once

#include "shared.cuh"

const int MOST_WARPS = 32;

// The sum of every lane's value, to each of them, in a tree.
template <class T>
__device__ inline T warp_sum(T value) {
    for (int by = 16; by > 0; by /= 2) value += __shfl_xor_sync(0xffffffffu, value, by);
    return value;
}

// The sum of every thread's value, to each of them: over the lanes of a warp, then over the warps.
// `scratch` holds MOST_WARPS numbers; whole warps only.
template <class T>
__device__ T block_sum(T value, T* scratch) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    value = warp_sum(value);
    __syncthreads();  // the scratch may still be read by an earlier sum
    if (lane == 0) scratch[warp] = value;
    __syncthreads();
    return warp_sum(lane < int(blockDim.x) / 32 ? scratch[lane] : T(0));
}

// The last step of a sum over a batch: rows of partial results, one for each block that made them, added up in order.
//
// A block of 8 warps has 32 columns (see `my_column`); the warps take every eighth row, and the first adds up the eight and
// writes. value(row) is a row's number in the thread's column. All threads call this; `real`: whether there is that column.
const int SUM_WARPS = 8, SUM_COLUMNS = 32;

__device__ inline int my_column() { return blockIdx.x * SUM_COLUMNS + threadIdx.x % SUM_COLUMNS; }

template <class Value, class Write>
__device__ void sum_of_rows(Value value, Write write, bool real, int rows) {
    int lane = threadIdx.x % SUM_COLUMNS, warp = threadIdx.x / SUM_COLUMNS;
    Shared shared;
    float* parts = shared.take<float>(SUM_WARPS * SUM_COLUMNS);
    float total = 0;
    if (real)
        for (int row = warp; row < rows; row += SUM_WARPS) total += value(row);
    parts[threadIdx.x] = total;
    __syncthreads();
    if (warp == 0 && real) {
        for (int w = 1; w < SUM_WARPS; w++) total += parts[w * SUM_COLUMNS + lane];
        write(total);
    }
}

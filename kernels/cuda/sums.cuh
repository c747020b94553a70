// Sums over the threads of a block, in one order: the lanes of a warp in a tree, then the warps one after the other.
#pragma once

#include "shared.cuh"

const int MOST_WARPS = 32;

// The sum of every thread's value, to each of them. `scratch` holds MOST_WARPS numbers; whole warps only.
template <class T>
__device__ T block_sum(T value, T* scratch) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int by = 16; by > 0; by /= 2) value += __shfl_xor_sync(0xffffffffu, value, by);
    __syncthreads();  // the scratch may still be read by an earlier sum
    if (lane == 0) scratch[warp] = value;
    __syncthreads();
    T total = 0;
    for (int w = 0; w < int(blockDim.x) / 32; w++) total += scratch[w];
    return total;
}

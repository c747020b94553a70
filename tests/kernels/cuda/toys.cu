// Small kernels with and without a mistake, for the tests of the host build.

#include "sums.cuh"

extern "C" __global__ void turn_round(const float* x, float* y) {
    Shared shared;
    float* kept = shared.take<float>(blockDim.x);
    kept[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    y[blockIdx.x * blockDim.x + threadIdx.x] = kept[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void turn_round_too_early(const float* x, float* y) {
    Shared shared;
    float* kept = shared.take<float>(blockDim.x);
    kept[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = kept[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void sum(const float* x, float* y) {
    Shared shared;
    float* scratch = shared.take<float>(MOST_WARPS);
    y[threadIdx.x] = block_sum(x[threadIdx.x], scratch);
}

extern "C" __global__ void shift_within_warp(const float* x, float* y) {
    y[threadIdx.x] = __shfl_down_sync(0xffffffffu, x[threadIdx.x], 1) + __shfl_sync(0xffffffffu, x[threadIdx.x], 3);
}

extern "C" __global__ void count(int* total) { atomicAdd(total, int(threadIdx.x)); }

extern "C" __global__ void some_wait(float* y) {
    if (threadIdx.x % 2) __syncthreads();
    y[threadIdx.x] = 1;
}

extern "C" __global__ void never_written(float* y) {
    Shared shared;
    y[threadIdx.x] = shared.take<float>(blockDim.x)[threadIdx.x];
}

extern "C" __global__ void beyond_shared(float* y) {
    Shared shared;
    float* first = shared.take<float>(blockDim.x);
    float* second = shared.take<float>(blockDim.x);
    first[threadIdx.x + 1] = second[threadIdx.x] = 1;
    y[threadIdx.x] = first[threadIdx.x];
}

extern "C" __global__ void beyond_array(float* y) { y[threadIdx.x + 1] = 1; }

// A number from the thread beside, within a warp: `barrier` says what stands between writing and reading.
enum Between { NOTHING, A_SHUFFLE, A_WARP_BARRIER };
__device__ inline void turn_in_warp(const float* x, float* y, Between between) {
    Shared shared;
    float* kept = shared.take<float>(blockDim.x);
    kept[threadIdx.x] = x[threadIdx.x];
    float sum = between == A_SHUFFLE ? __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1) : 0;
    if (between == A_WARP_BARRIER) __syncwarp();
    y[threadIdx.x] = kept[threadIdx.x ^ 1] + sum;
}
extern "C" __global__ void warp_without_barrier(const float* x, float* y) { turn_in_warp(x, y, NOTHING); }
extern "C" __global__ void warp_after_shuffle(const float* x, float* y) { turn_in_warp(x, y, A_SHUFFLE); }
extern "C" __global__ void warp_after_barrier(const float* x, float* y) { turn_in_warp(x, y, A_WARP_BARRIER); }

extern "C" __global__ void written_while_read(const float* x, float* y) {
    Shared shared;
    float* kept = shared.take<float>(blockDim.x);
    kept[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    float first = kept[0];
    kept[threadIdx.x] = 2;
    y[threadIdx.x] = first;
}

extern "C" __global__ void taken_again_too_early(const float* x, float* y) {
    Shared shared;
    float* kept = shared.take<float>(blockDim.x);
    kept[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    float before = kept[blockDim.x - 1 - threadIdx.x];
    shared.begin_again();
    shared.take<float>(blockDim.x)[threadIdx.x] = before;
    y[threadIdx.x] = before;
}

extern "C" __global__ void blocks_write_one_number(const float* x, float* y) {
    if (threadIdx.x == 0) y[0] = x[blockIdx.x];
}

extern "C" __global__ void blocks_read_a_neighbour(const float* x, float* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = x[i] + (blockIdx.x ? y[i - blockDim.x] : 0);
}

// Every eighth number of an array, by way of shared memory where they all lie in one bank.
extern "C" __global__ void far_apart(const float* x, float* y) {
    Shared shared;
    float* kept = shared.take<float>(32 * blockDim.x);
    kept[32 * threadIdx.x] = x[8 * threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = kept[32 * threadIdx.x] + kept[0];
}

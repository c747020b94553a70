// The last step of every sum over a batch: partial results, one row a block that made them, added up in order.
//
// A block has 32 columns; 8 warps take every eighth row, and the first adds up the eight. Reads G N floats, writes N.

#include "shared.cuh"

extern "C" __global__ void sum_rows(const float* rows, float* sum, int G, int N) {
    const int WARP = 32, WARPS = 8;
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, column = blockIdx.x * WARP + lane;
    Shared shared;
    float* parts = shared.take<float>(WARPS * WARP);
    float total = 0;
    if (column < N)
        for (int g = warp; g < G; g += WARPS) total += rows[size_t(g) * N + column];
    parts[threadIdx.x] = total;
    __syncthreads();
    if (warp == 0 && column < N) {
        for (int w = 1; w < WARPS; w++) total += parts[w * WARP + lane];
        sum[column] = total;
    }
}

// Batch normalisation: twin of minieqt/layers/batchnorm.py. x (B, C, T).
//
// Statistics and gradients: one block per channel, so that its sums have one order, with as many threads as a block can
// have, because it only waits for memory. The channel's B T numbers are read twice; the second time they come from the
// cache (38 kB per channel at batch 200 and 47 steps).
// Forward: one thread per number, 8 bytes and 3 operations each.

#include "sums.cuh"

const int THREADS = 256, CHANNEL_THREADS = 1024;

// Where number i of a channel's B T numbers lies.
__device__ inline size_t place(int i, int channel, int C, int T) { return (size_t(i / T) * C + channel) * T + i % T; }

extern "C" __global__ void __launch_bounds__(CHANNEL_THREADS)
    batch_statistics(const float* x, float* mean, float* variance, int B, int C, int T) {
    int c = blockIdx.x;
    Shared shared;
    float* scratch = shared.take<float>(MOST_WARPS);
    float sum = 0, squares = 0;
    for (int i = threadIdx.x; i < B * T; i += CHANNEL_THREADS) sum += x[place(i, c, C, T)];
    float centre = block_sum(sum, scratch) / (B * T);
    for (int i = threadIdx.x; i < B * T; i += CHANNEL_THREADS) {
        float distance = x[place(i, c, C, T)] - centre;
        squares += distance * distance;
    }
    squares = block_sum(squares, scratch);
    if (threadIdx.x == 0) mean[c] = centre, variance[c] = squares / (B * T);
}

extern "C" __global__ void batchnorm_forward(const float* x, const float* gamma, const float* beta, const float* mean,
                                             const float* variance, float eps, float* y, int C, int T, int size) {
    int i = blockIdx.x * THREADS + threadIdx.x, c = i / T % C;
    if (i < size) y[i] = gamma[c] * rsqrtf(variance[c] + eps) * (x[i] - mean[c]) + beta[c];
}

extern "C" __global__ void __launch_bounds__(CHANNEL_THREADS)
    batchnorm_backward(const float* dy, const float* x, const float* gamma, const float* mean, const float* variance,
                       float eps, float* dx, float* dgamma, float* dbeta, int B, int C, int T) {
    int c = blockIdx.x;
    Shared shared;
    float* scratch = shared.take<float>(MOST_WARPS);
    float centre = mean[c], inverse_std = rsqrtf(variance[c] + eps), sum = 0, sum_x = 0;
    for (int i = threadIdx.x; i < B * T; i += CHANNEL_THREADS) {
        size_t at = place(i, c, C, T);
        sum += dy[at];
        sum_x += dy[at] * ((x[at] - centre) * inverse_std);
    }
    sum = block_sum(sum, scratch);
    sum_x = block_sum(sum_x, scratch);
    if (threadIdx.x == 0) dbeta[c] = sum, dgamma[c] = sum_x;
    float scale = gamma[c] * inverse_std;
    for (int i = threadIdx.x; i < B * T; i += CHANNEL_THREADS) {
        size_t at = place(i, c, C, T);
        dx[at] = scale * (dy[at] - sum / (B * T) - (x[at] - centre) * inverse_std * (sum_x / (B * T)));
    }
}

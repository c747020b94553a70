// Layer normalisation: twin of minieqt/layers/layernorm.py. x (B, C, T), one mean and deviation per moment (B, T).
//
// Forward and dx: one thread per moment, which loops over the C channels; a warp has 32 neighbouring moments, so that
// each step is one piece of memory. The channels are read three times, after the first time from the cache: 8 bytes per
// number forward, 12 backward. dgamma and dbeta: one large block per channel, whose sums have one order.

#include "sums.cuh"

const int THREADS = 128, CHANNEL_THREADS = 1024;
const float EPS = 1e-14f;

extern "C" __global__ void layernorm_forward(const float* x, const float* gamma, const float* beta, float* y,
                                             float* mean, float* inverse_std, int C, int T, int moments) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= moments) return;
    size_t first = size_t(i / T) * C * T + i % T;
    float sum = 0, squares = 0;
    for (int c = 0; c < C; c++) sum += x[first + size_t(c) * T];
    float centre = sum / C;
    for (int c = 0; c < C; c++) {
        float distance = x[first + size_t(c) * T] - centre;
        squares += distance * distance;
    }
    float scale = 1 / sqrtf(squares / C + EPS);
    for (int c = 0; c < C; c++) {
        size_t at = first + size_t(c) * T;
        y[at] = gamma[c] * ((x[at] - centre) * scale) + beta[c];
    }
    mean[i] = centre;
    inverse_std[i] = scale;
}

extern "C" __global__ void layernorm_input_gradient(const float* dy, const float* x, const float* gamma,
                                                    const float* mean, const float* inverse_std, float* dx, int C,
                                                    int T, int moments) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= moments) return;
    size_t first = size_t(i / T) * C * T + i % T;
    float centre = mean[i], scale = inverse_std[i], sum = 0, sum_x = 0;
    for (int c = 0; c < C; c++) {
        size_t at = first + size_t(c) * T;
        float g = gamma[c] * dy[at];
        sum += g;
        sum_x += g * ((x[at] - centre) * scale);
    }
    for (int c = 0; c < C; c++) {
        size_t at = first + size_t(c) * T;
        dx[at] = (gamma[c] * dy[at] - sum / C - (x[at] - centre) * scale * (sum_x / C)) * scale;
    }
}

extern "C" __global__ void __launch_bounds__(CHANNEL_THREADS)
    layernorm_parameter_gradient(const float* dy, const float* x, const float* mean, const float* inverse_std,
                                 float* dgamma, float* dbeta, int C, int T, int moments) {
    int c = blockIdx.x;
    Shared shared;
    float* scratch = shared.take<float>(MOST_WARPS);
    float sum = 0, sum_x = 0;
    for (int i = threadIdx.x; i < moments; i += CHANNEL_THREADS) {
        size_t at = (size_t(i / T) * C + c) * T + i % T;
        sum += dy[at];
        sum_x += dy[at] * ((x[at] - mean[i]) * inverse_std[i]);
    }
    sum = block_sum(sum, scratch);
    sum_x = block_sum(sum_x, scratch);
    if (threadIdx.x == 0) dbeta[c] = sum, dgamma[c] = sum_x;
}

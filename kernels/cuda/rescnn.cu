// Half of a residual block: batch normalisation, ReLU, spatial dropout and convolution: twin of
// minieqt/blocks/rescnn.py.
//
// The tiles are correlate.cuh's; what stands before the convolution is done while a tile is loaded, and done again in
// backward: a pass reads C T and writes O T floats a sample, nothing in between. Backward goes from dy to the gradient
// after the normalisation; from there it is batchnorm.cu's. factors (B, C) are the dropout's mask.

#include "weights.cuh"

struct Normalised {  // a channel's normalisation, as batchnorm.cu computes it
    const float *gamma, *beta, *mean, *variance;
    __device__ float operator()(int c, float x) const {
        const float EPS = 1e-3f;
        return gamma[c] * rsqrtf(variance[c] + EPS) * (x - mean[c]) + beta[c];
    }
};

extern "C" __global__ void __launch_bounds__(THREADS)
    rescnn_half_forward(const float* weights, const float* x, const float* gamma, const float* beta, const float* mean,
                        const float* variance, const float* factors, const float* b, float* y, int C, int O, int K,
                        int T, int chunk) {
    Normalised normalised = {gamma, beta, mean, variance};
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * O * T;
    factors += size_t(blockIdx.y) * C;
    correlate(
        weights,
        [=](int c, int t) {
            return 0 <= t && t < T ? factors[c] * fmaxf(normalised(c, x[c * T + t]), 0.0f) : 0.0f;
        },
        [=](int o, int t, float sum) {
            if (o < O && t < T) y[o * T + t] = sum + b[o];
        },
        C, O, K, (K - 1) / 2, T, chunk);
}

// dy -> the gradient of the normalised x, through convolution, dropout and ReLU.
extern "C" __global__ void __launch_bounds__(THREADS)
    rescnn_half_input_gradient(const float* weights, const float* dy, const float* x, const float* gamma,
                               const float* beta, const float* mean, const float* variance, const float* factors,
                               float* dnormalised, int C, int O, int K, int T, int chunk) {
    Normalised normalised = {gamma, beta, mean, variance};
    dy += size_t(blockIdx.y) * O * T;
    x += size_t(blockIdx.y) * C * T;
    dnormalised += size_t(blockIdx.y) * C * T;
    factors += size_t(blockIdx.y) * C;
    correlate(
        weights,
        [=](int o, int t) { return inside(dy + o * T, t, T); },
        [=](int c, int t, float sum) {
            if (c < C && t < T) dnormalised[c * T + t] = normalised(c, x[c * T + t]) > 0 ? sum * factors[c] : 0.0f;
        },
        O, C, K, K - 1 - (K - 1) / 2, T, chunk);
}

extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)
    rescnn_half_weight_gradient(const float* dy, const float* x, const float* gamma, const float* beta,
                                const float* mean, const float* variance, const float* factors, float* partial, int B,
                                int C, int O, int K, int T, int width, int rows_of_x) {
    Normalised normalised = {gamma, beta, mean, variance};
    weight_gradient(
        [=](int n, int o, int t) { return inside(dy + (size_t(n) * O + o) * T, t, T); },
        [=](int n, int c, int t) {
            if (t < 0 || t >= T) return 0.0f;
            return factors[n * C + c] * fmaxf(normalised(c, x[(size_t(n) * C + c) * T + t]), 0.0f);
        },
        partial, B, C, O, K, (K - 1) / 2, T, width, rows_of_x);
}

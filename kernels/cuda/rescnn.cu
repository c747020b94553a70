// Half of a residual block: batch normalisation, ReLU, spatial dropout and convolution: twin of
// minieqt/blocks/rescnn.py.
//
// The tiles are correlate.cuh's; what comes before the convolution is done while a tile is loaded, and done again in
// backward: a pass reads C T and writes O T floats per sample, nothing in between. Backward goes from dy to the gradient
// after the normalisation; batchnorm.cu does the rest. factors (B, C) are the dropout's mask.

#include "weights.cuh"

struct Normalised {  // a channel's normalisation, as batchnorm.cu computes it
    float scale, centre, shift;
    __device__ Normalised(const float* gamma, const float* beta, const float* mean, const float* variance, int c)
        : scale(gamma[c] * rsqrtf(variance[c] + 1e-3f)), centre(mean[c]), shift(beta[c]) {}
    __device__ float operator()(float x) const { return scale * (x - centre) + shift; }
};

extern "C" __global__ void __launch_bounds__(THREADS)
    rescnn_half_forward(const float* weights, const float* x, const float* gamma, const float* beta, const float* mean,
                        const float* variance, const float* factors, const float* b, float* y, int C, int O, int K,
                        int T, int chunk) {
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * O * T;
    factors += size_t(blockIdx.y) * C;
    correlate(
        weights,
        [=](int c) {
            Normalised normalised(gamma, beta, mean, variance, c);
            float factor = factors[c];
            return [=](int t) { return 0 <= t && t < T ? factor * fmaxf(normalised(x[c * T + t]), 0.0f) : 0.0f; };
        },
        [=](int o) {
            float bias = o < O ? b[o] : 0.0f;
            return [=](int t, float sum) {
                if (o < O && t < T) y[o * T + t] = sum + bias;
            };
        },
        C, O, K, (K - 1) / 2, T, chunk);
}

// dy -> the gradient of the normalised x, through convolution, dropout and ReLU.
extern "C" __global__ void __launch_bounds__(THREADS)
    rescnn_half_input_gradient(const float* weights, const float* dy, const float* x, const float* gamma,
                               const float* beta, const float* mean, const float* variance, const float* factors,
                               float* dnormalised, int C, int O, int K, int T, int chunk) {
    dy += size_t(blockIdx.y) * O * T;
    x += size_t(blockIdx.y) * C * T;
    dnormalised += size_t(blockIdx.y) * C * T;
    factors += size_t(blockIdx.y) * C;
    correlate(
        weights,
        [=](int o) { return [=](int t) { return inside(dy + o * T, t, T); }; },
        [=](int c) {
            int own = min(c, C - 1);  // there is nothing to load after the last
            Normalised normalised(gamma, beta, mean, variance, own);
            float factor = factors[own];
            return [=](int t, float sum) {
                if (c < C && t < T) dnormalised[c * T + t] = normalised(x[c * T + t]) > 0 ? sum * factor : 0.0f;
            };
        },
        O, C, K, K - 1 - (K - 1) / 2, T, chunk);
}

extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)
    rescnn_half_weight_gradient(const float* dy, const float* x, const float* gamma, const float* beta,
                                const float* mean, const float* variance, const float* factors, float* partial, int B,
                                int C, int O, int K, int T, int width, int rows_of_x) {
    weight_gradient(
        [=](int n, int o) { return [=](int t) { return inside(dy + (size_t(n) * O + o) * T, t, T); }; },
        [=](int n, int c) {
            Normalised normalised(gamma, beta, mean, variance, c);
            const float* row = x + (size_t(n) * C + c) * T;
            float factor = factors[n * C + c];
            return [=](int t) { return 0 <= t && t < T ? factor * fmaxf(normalised(row[t]), 0.0f) : 0.0f; };
        },
        partial, B, C, O, K, (K - 1) / 2, T, width, rows_of_x);
}

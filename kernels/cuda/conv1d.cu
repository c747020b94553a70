// Convolution over time and its two gradients: twin of minieqt/layers/conv1d.py. The tiles are correlate.cuh's and
// weights.cuh's, which say how threads are laid out and what the work should cost. x (B, C, T), W (O, C, K), y (B, O, T).

#include "weights.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
    conv1d_forward(const float* weights, const float* x, const float* b, float* y, int C, int O, int K, int T, int chunk) {
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * O * T;
    correlate(
        weights,
        [=](int c) { return [=](int t) { return inside(x + c * T, t, T); }; },
        [=](int o) {
            float bias = o < O ? b[o] : 0.0f;
            return [=](int t, float sum) {
                if (o < O && t < T) y[o * T + t] = sum + bias;
            };
        },
        C, O, K, (K - 1) / 2, T, chunk);
}

// The filters are now the C channels, the channels read are the O filters, and the taps are reversed.
extern "C" __global__ void __launch_bounds__(THREADS)
    conv1d_input_gradient(const float* weights, const float* dy, float* dx, int C, int O, int K, int T, int chunk) {
    dy += size_t(blockIdx.y) * O * T;
    dx += size_t(blockIdx.y) * C * T;
    correlate(
        weights,
        [=](int o) { return [=](int t) { return inside(dy + o * T, t, T); }; },
        [=](int c) {
            return [=](int t, float sum) {
                if (c < C && t < T) dx[c * T + t] = sum;
            };
        },
        O, C, K, K - 1 - (K - 1) / 2, T, chunk);
}

extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)
    conv1d_weight_gradient(const float* dy, const float* x, float* partial, int B, int C, int O, int K, int T,
                           int width, int rows_of_x) {
    weight_gradient(
        [=](int n, int o) { return [=](int t) { return inside(dy + (size_t(n) * O + o) * T, t, T); }; },
        [=](int n, int c) { return [=](int t) { return inside(x + (size_t(n) * C + c) * T, t, T); }; },
        partial, B, C, O, K, (K - 1) / 2, T, width, rows_of_x);
}

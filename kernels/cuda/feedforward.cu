// The feed-forward part: dense, ReLU, dropout, dense: twin of minieqt/layers/feedforward.py. x (B, C, T), a (B, F, T).
// The plain version, for layers too wide for feedforward_fused.cu, which the network uses.
//
// A dense layer at every moment is a convolution of one tap, so the tiles are correlate.cuh's; the second layer is
// conv1d.cu's. ReLU and dropout happen where the first layer's sums are written, a = m relu(W1 x + b1), and their gradient
// where the second layer's are: a > 0 tells whether both let a value pass. mask (B, F, T), or null for all ones.

#include "weights.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
    wide_forward(const float* weights, const float* x, const float* b, const float* mask, float* a, int C, int F, int T,
                 int chunk) {
    x += size_t(blockIdx.y) * C * T;
    size_t sample = size_t(blockIdx.y) * F * T;
    correlate(
        weights,
        [=](int c) { return [=](int t) { return inside(x + c * T, t, T); }; },
        [=](int f) {
            float bias = f < F ? b[f] : 0.0f;
            return [=](int t, float sum) {
                if (f >= F || t >= T) return;
                size_t at = sample + f * T + t;
                a[at] = fmaxf(sum + bias, 0.0f) * (mask ? mask[at] : 1.0f);
            };
        },
        C, F, 1, 0, T, chunk);
}

// dy (B, C, T) -> da (B, F, T), the gradient of W1 x + b1; the weights are the second layer's.
extern "C" __global__ void __launch_bounds__(THREADS)
    wide_gradient(const float* weights, const float* dy, const float* mask, const float* a, float* da, int C, int F,
                  int T, int chunk) {
    dy += size_t(blockIdx.y) * C * T;
    size_t sample = size_t(blockIdx.y) * F * T;
    correlate(
        weights,
        [=](int c) { return [=](int t) { return inside(dy + c * T, t, T); }; },
        [=](int f) {
            return [=](int t, float sum) {
                if (f >= F || t >= T) return;
                size_t at = sample + f * T + t;
                da[at] = a[at] > 0 ? sum * (mask ? mask[at] : 1.0f) : 0.0f;
            };
        },
        C, F, 1, 0, T, chunk);
}

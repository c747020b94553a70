// A decoder stage: upsampling, cropping, convolution and ReLU in one pass: twin of minieqt/blocks/decoder.py.
//
// The tiles are correlate.cuh's. The upsampled array u[t] = x[(t + crop) / 2] is never written: a tile reads every
// sample of x twice. Its gradient adds neighbouring sums by a shuffle. So a pass reads C T and writes O 2T floats per
// sample. For the ReLU backward needs only y > 0. x (B, C, T), y (B, O, L), L = 2T - crop of both ends.
// (Neighbouring taps read the same sample twice, so K taps can be folded into about K / 2: decoder_folded.cu does so, and
// this file does the rest, the stage that crops one sample at each end.)

#include "elementary.cuh"
#include "weights.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
    decoder_stage_forward(const float* weights, const float* x, const float* b, float* y, int C, int O, int K, int T,
                          int crop, int L, int chunk) {
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * O * L;
    correlate(
        weights,
        [=](int c) { return [=](int t) { return 0 <= t && t < L ? x[c * T + (t + crop) / 2] : 0.0f; }; },
        [=](int o) {
            float bias = o < O ? b[o] : 0.0f;
            return [=](int t, float sum) {
                if (o < O && t < L) y[o * L + t] = fmaxf(sum + bias, 0.0f);
            };
        },
        C, O, K, (K - 1) / 2, L, chunk);
}

// Moments count as before the crop, so that the two copies of a sample are t and t + 1 with t even.
extern "C" __global__ void __launch_bounds__(THREADS)
    decoder_stage_input_gradient(const float* weights, const float* dy, const float* y, float* dx, int C, int O, int K,
                                 int T, int crop, int L, int chunk) {
    dy += size_t(blockIdx.y) * O * L;
    y += size_t(blockIdx.y) * O * L;
    dx += size_t(blockIdx.y) * C * T;
    correlate(
        weights,
        [=](int o) { return [=](int t) { return let_through(dy + o * L, y + o * L, t, L); }; },
        [=](int c) {
            return [=](int t, float sum) {
                float mine = crop <= t && t < L + crop ? sum : 0.0f;  // what was cropped has no gradient
                float other = __shfl_xor_sync(0xffffffffu, mine, 1);
                if (c < C && t < 2 * T && t % 2 == 0) dx[c * T + t / 2] = mine + other;
            };
        },
        O, C, K, K - 1 - (K - 1) / 2 + crop, 2 * T, chunk);
}

extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)
    decoder_stage_weight_gradient(const float* dy, const float* y, const float* x, float* partial, int B, int C, int O,
                                  int K, int T, int crop, int L, int width, int rows_of_x) {
    weight_gradient(
        [=](int n, int o) {
            size_t row = (size_t(n) * O + o) * L;
            return [=](int t) { return let_through(dy + row, y + row, t, L); };
        },
        [=](int n, int c) {
            const float* row = x + (size_t(n) * C + c) * T;
            return [=](int t) { return 0 <= t && t < L ? row[(t + crop) / 2] : 0.0f; };
        },
        partial, B, C, O, K, (K - 1) / 2, L, width, rows_of_x);
}

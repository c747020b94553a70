// An encoder stage: convolution, ReLU and pooling of pairs in one pass: twin of minieqt/blocks/encoder.py.
//
// The tiles are correlate.cuh's. A pair of moments lies in neighbouring threads, which exchange their sums by a shuffle;
// the one of the even moment writes. The full-length output is never written: the pass reads C T floats per sample and
// writes O T / 2 floats and as many bytes, each of which says where the pooled value came from (CLOSED, FIRST, SECOND).
// Backward puts a pooled gradient back at that place while it loads a tile. x (B, C, T), y (B, O, ceil(T / 2)).

#include "elementary.cuh"
#include "weights.cuh"

const unsigned char CLOSED = 0, FIRST = 1, SECOND = 2;

extern "C" __global__ void __launch_bounds__(THREADS)
    encoder_stage_forward(const float* weights, const float* x, const float* b, float* y, unsigned char* origin, int C, int O,
                          int K, int T, int chunk) {
    int half = (T + 1) / 2;
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * O * half;
    origin += size_t(blockIdx.y) * O * half;
    correlate(
        weights,
        [=](int c) { return [=](int t) { return inside(x + c * T, t, T); }; },
        [=](int o) {
            float bias = o < O ? b[o] : 0.0f;
            return [=](int t, float sum) {
                float value = o < O && t < T ? sum + bias : LOWEST;
                float second = __shfl_xor_sync(0xffffffffu, value, 1);
                if (o < O && t < T && t % 2 == 0) {
                    float larger = fmaxf(value, second);
                    y[o * half + t / 2] = fmaxf(larger, 0.0f);
                    origin[o * half + t / 2] = !(larger > 0) ? CLOSED : second > value ? SECOND : FIRST;
                }
            };
        },
        C, O, K, (K - 1) / 2, T, chunk);
}

// The gradient at moment t of the full length: that of the pooled sample, if it came from here.
__device__ inline float opened(const float* dy, const unsigned char* origin, int t, int T) {
    return 0 <= t && t < T && origin[t / 2] == FIRST + t % 2 ? dy[t / 2] : 0.0f;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    encoder_stage_input_gradient(const float* weights, const float* dy, const unsigned char* origin, float* dx, int C,
                                 int O, int K, int T, int chunk) {
    int half = (T + 1) / 2;
    dy += size_t(blockIdx.y) * O * half;
    origin += size_t(blockIdx.y) * O * half;
    dx += size_t(blockIdx.y) * C * T;
    correlate(
        weights,
        [=](int o) { return [=](int t) { return opened(dy + o * half, origin + o * half, t, T); }; },
        [=](int c) {
            return [=](int t, float sum) {
                if (c < C && t < T) dx[c * T + t] = sum;
            };
        },
        O, C, K, K - 1 - (K - 1) / 2, T, chunk);
}

extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)
    encoder_stage_weight_gradient(const float* dy, const unsigned char* origin, const float* x, float* partial, int B,
                                  int C, int O, int K, int T, int width, int rows_of_x) {
    int half = (T + 1) / 2;
    weight_gradient(
        [=](int n, int o) {
            size_t row = (size_t(n) * O + o) * half;
            return [=](int t) { return opened(dy + row, origin + row, t, T); };
        },
        [=](int n, int c) { return [=](int t) { return inside(x + (size_t(n) * C + c) * T, t, T); }; },
        partial, B, C, O, K, (K - 1) / 2, T, width, rows_of_x);
}

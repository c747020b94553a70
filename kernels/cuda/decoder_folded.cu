// A decoder stage with its taps folded: the same numbers as decoder.cu's with about half the multiplications.
//
// Upsampling repeats every sample, so neighbouring taps read the same one and their weights can be added first. With
// d = left - crop, the outputs t = 2 m + d + phase of both phases read x[m], x[m + 1], ...:
//
//     phase 0     x[m + j] (W[2j] + W[2j + 1])        phase 1     x[m + j] (W[2j - 1] + W[2j])        j = 0 ... K / 2
//
// A stage is then a plain convolution of x at its own rate, with 2 O filters (filter 2 o + phase) of J = K / 2 + 1 taps:
// 2 C 2O J T operations instead of 2 C O K 2T, 6/11 of them for the widest kernel, where the decoders have four fifths
// of the network's multiplications. Backward likewise: dz at even and odd moments are two channels (2 o + parity),
//
//     dx[s] = sum over o, q of dz[o, 2 s + e - q] (W[q] + W[q - 1]),  q = 0 ... K,  e = 1 - crop + left,
//
// and the gradient of the folded weights is unfolded at the end. Bytes are decoder.cu's: reads C T and writes O 2T floats
// per sample; but a warp reads and writes every other float of y's rows, twice, and leaves the joining to the cache.
// A pair of which one copy is cropped would need an exception: such stages (one of seven) use decoder.cu's kernels.
// x (B, C, T), y (B, O, L), L = 2T - crop of both ends, both even; M moments m from m0 on.

#include "elementary.cuh"
#include "sums.cuh"
#include "weights.cuh"

// x where at least one of its copies was not cropped.
__device__ inline float uncropped(const float* x, int s, int crop, int L) {
    return crop <= 2 * s && 2 * s < crop + L ? x[s] : 0.0f;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    folded_stage_forward(const float* weights, const float* x, const float* b, float* y, int C, int O, int K, int T,
                         int crop, int L, int M, int m0, int chunk) {
    int d = (K - 1) / 2 - crop;
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * O * L;
    correlate(
        weights,
        [=](int c) { return [=](int s) { return uncropped(x + c * T, s, crop, L); }; },
        [=](int f) {
            float bias = f < 2 * O ? b[f / 2] : 0.0f;
            return [=](int i, float sum) {
                int t = 2 * (i + m0) + d + f % 2;
                if (f < 2 * O && 0 <= t && t < L) y[f / 2 * L + t] = fmaxf(sum + bias, 0.0f);
            };
        },
        C, 2 * O, K / 2 + 1, -m0, M, chunk);
}

// Channel 2 o + parity of tap j meets q = Q - parity - 2 (j - lft), Q being e made odd (layout.cu).
extern "C" __global__ void __launch_bounds__(THREADS)
    folded_stage_input_gradient(const float* weights, const float* dy, const float* y, float* dx, int C, int O, int K,
                                int T, int crop, int L, int Q, int chunk) {
    int e = 1 - crop + (K - 1) / 2, lft = K / 2 - (Q - 1) / 2;
    dy += size_t(blockIdx.y) * O * L;
    y += size_t(blockIdx.y) * O * L;
    dx += size_t(blockIdx.y) * C * T;
    correlate(
        weights,
        [=](int h) {
            return [=](int s) {
                int t = 2 * s + h % 2 - (Q - e);
                return let_through(dy + h / 2 * L, y + h / 2 * L, t, L);
            };
        },
        [=](int c) {
            return [=](int s, float sum) {
                if (c < C && s < T) dx[c * T + s] = crop <= 2 * s && 2 * s < crop + L ? sum : 0.0f;
            };
        },
        2 * O, C, K / 2 + 1, lft, T, chunk);
}

extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)
    folded_stage_weight_gradient(const float* dy, const float* y, const float* x, float* partial, int B, int C, int O,
                                 int K, int T, int crop, int L, int M, int m0, int width, int rows_of_x) {
    int d = (K - 1) / 2 - crop;
    weight_gradient(
        [=](int n, int f) {
            return [=](int i) {
                size_t row = (size_t(n) * O + f / 2) * L;
                return let_through(dy + row, y + row, 2 * (i + m0) + d + f % 2, L);
            };
        },
        [=](int n, int c) { return [=](int s) { return uncropped(x + (size_t(n) * C + c) * T, s, crop, L); }; },
        partial, B, C, 2 * O, K / 2 + 1, -m0, M, width, rows_of_x);
}

// partial (G, 2 O (C J + 1)), the folded weights' gradient and the phases' parts of db, one row per block -> their sum
// unfolded: dW (O, C, K), db (O). A column is a number of dW, or after these of db.
extern "C" __global__ void unfold(const float* partial, float* dW, float* db, int G, int C, int O, int K) {
    int i = my_column(), J = K / 2 + 1, row = C * J + 1, size = O * C * K;
    bool of_W = i < size;
    int o = of_W ? i / (C * K) : i - size, c = i / K % C, k = i % K;
    size_t own = size_t(2 * o) * row;  // of phase 0; that of phase 1 is one row on
    size_t first = own + (of_W ? c * J + k / 2 : C * J), second = own + row + (of_W ? c * J + (k + 1) / 2 : C * J);
    sum_of_rows(
        [=](int g) {
            const float* from = partial + size_t(g) * 2 * O * row;
            return from[first] + from[second];
        },
        [=](float total) { of_W ? dW[i] = total : db[o] = total; }, i < size + O, G);
}

// The feed-forward part in one kernel each way: the same numbers as feedforward.cu's, but what the wide layer computes is
// never written. x (B, C, T), W1 (F, C), W2 (C, F), mask (B, F, T) or null for all ones.
//
//     a = m relu(W1 x + b1),    y = W2 a + b2;        backward computes a again, from x and the mask
//
// A tile is MOMENTS moments of one sequence, with all C and F of them in shared memory (31 kB forward, 45 kB backward for
// the network's 16 and 128), so two of them are a sequence of 47 steps. A thread has 8 rows of one moment, whose weights
// are two float4 and a broadcast. Rows lie MOMENTS + 1 apart: 25 and 32 have no common divisor, so 32 neighbouring rows lie
// in as many banks.
//
// Forward: one block per tile. Backward: a block goes through tiles in turn and leaves one row of the parameters'
// gradients, added up by sums.cu; a thread has 4 x 4 of a matrix's, 8 loads for 16 multiply-adds.
// Bytes per sequence: forward reads C T + F T (x, the mask) and writes C T floats, 30 kB, where feedforward.cu moves 78 kB;
// backward reads 2 C T + F T and writes C T, 33 kB, where that moves 156 kB, and at batch 200 each moves some 40 kB of
// partial gradients. Operations: 4 C F T forward, 10 C F T backward, 2 of them because a is computed again.

#include "weights.cuh"

const int FEED_THREADS = 256, MOMENTS = 24, ROW = MOMENTS + 1, PART = 4;

// sums[r] = sum over i of w[i][r] v[i], ROWS rows next to each other.
template <int ROWS>
__device__ inline void multiply(const float* w, int pitch, const float* v, int inner, float* sums) {
    for (int i = 0; i < inner; i++) {
        float weights[8], sample = v[i * ROW];
        load_weights<ROWS>(w + i * pitch, weights);
#pragma unroll
        for (int r = 0; r < ROWS; r++) sums[r] += weights[r] * sample;
    }
}

// A tile of an array (rows, T) into shared memory, zero from its end on.
__device__ inline void load_tile(const float* from, float* into, int rows, int first, int T) {
    for (int i = threadIdx.x; i < rows * MOMENTS; i += FEED_THREADS)
        into[i / MOMENTS * ROW + i % MOMENTS] = inside(from + size_t(i / MOMENTS) * T, first + i % MOMENTS, T);
}

// W (rows, columns) -> [column][row], rows padded with zeros to `pitch`.
__device__ inline void load_transposed(const float* W, float* into, int rows, int columns, int pitch) {
    for (int i = threadIdx.x; i < columns * pitch; i += FEED_THREADS)
        into[i] = i % pitch < rows ? W[i % pitch * columns + i / pitch] : 0.0f;
}

// a [unit][moment] of a tile; zero beyond the end.
__device__ inline void make_wide(const float* x, const float* w1, const float* b1, const float* mask, float* a, int C,
                                 int F, int pitch, int first, int T) {
    for (int i = threadIdx.x; i < pitch / 8 * MOMENTS; i += FEED_THREADS) {
        int f0 = i / MOMENTS * 8, t = i % MOMENTS;
        float sums[8] = {};
        multiply<8>(w1 + f0, pitch, x + t, C, sums);
#pragma unroll
        for (int r = 0; r < 8; r++) {
            int f = f0 + r;
            if (f >= F) continue;
            bool real = first + t < T;
            float factor = real && mask ? mask[size_t(f) * T + first + t] : 1.0f;
            a[f * ROW + t] = real ? fmaxf(sums[r] + b1[f], 0.0f) * factor : 0.0f;
        }
    }
}

extern "C" __global__ void __launch_bounds__(FEED_THREADS)
    fused_forward(const float* x, const float* W1, const float* b1, const float* W2, const float* b2, const float* mask,
                  float* y, int C, int F, int T) {
    int first = blockIdx.x * MOMENTS, pitch = (F + 7) / 8 * 8, narrow = (C + 7) / 8 * 8;
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * C * T;
    if (mask) mask += size_t(blockIdx.y) * F * T;
    Shared shared;
    float* steps = shared.take<float>(C * ROW);  // x
    float* w1 = shared.take<float>(C * pitch);   // [channel][unit]
    float* w2 = shared.take<float>(F * narrow);  // [unit][channel]
    float* a = shared.take<float>(F * ROW);
    load_tile(x, steps, C, first, T);
    load_transposed(W1, w1, F, C, pitch);
    load_transposed(W2, w2, C, F, narrow);
    __syncthreads();
    make_wide(steps, w1, b1, mask, a, C, F, pitch, first, T);
    __syncthreads();
    for (int i = threadIdx.x; i < narrow / 8 * MOMENTS; i += FEED_THREADS) {
        int c0 = i / MOMENTS * 8, t = i % MOMENTS;
        float sums[8] = {};
        multiply<8>(w2 + c0, narrow, a + t, F, sums);
#pragma unroll
        for (int r = 0; r < 8; r++)
            if (c0 + r < C && first + t < T) y[(c0 + r) * T + first + t] = sums[r] + b2[c0 + r];
    }
}

// A thread's PART x PART of gradient[p, q] = sum over the tile's moments of left[p] right[q], added to what stands there.
__device__ inline void add_outer(const float* left, const float* right, float* gradient, int P, int Q, bool begins) {
    int groups = (P + PART - 1) / PART, across = (Q + PART - 1) / PART;
    for (int i = threadIdx.x; i < groups * across; i += FEED_THREADS) {
        float sums[PART][PART] = {};
        for (int t = 0; t < MOMENTS; t++) {
            float l[PART], r[PART];
#pragma unroll
            for (int k = 0; k < PART; k++) {
                int p = i / across + k * groups, q = i % across + k * across;
                l[k] = p < P ? left[p * ROW + t] : 0.0f;
                r[k] = q < Q ? right[q * ROW + t] : 0.0f;
            }
#pragma unroll
            for (int j = 0; j < PART; j++)
#pragma unroll
                for (int k = 0; k < PART; k++) sums[j][k] += l[j] * r[k];
        }
#pragma unroll
        for (int j = 0; j < PART; j++)
#pragma unroll
            for (int k = 0; k < PART; k++) {
                int p = i / across + j * groups, q = i % across + k * across;
                if (p < P && q < Q) gradient[p * Q + q] = begins ? sums[j][k] : gradient[p * Q + q] + sums[j][k];
            }
    }
}

__device__ inline void add_sums(const float* rows, float* gradient, int P, bool begins) {
    for (int p = threadIdx.x; p < P; p += FEED_THREADS) {
        float sum = 0;
        for (int t = 0; t < MOMENTS; t++) sum += rows[p * ROW + t];
        gradient[p] = begins ? sum : gradient[p] + sum;
    }
}

// partial (blocks, 2 C F + F + C): dW1, db1, dW2, db2.
extern "C" __global__ void __launch_bounds__(FEED_THREADS)
    fused_backward(const float* dy, const float* x, const float* W1, const float* b1, const float* W2, const float* mask,
                   float* dx, float* partial, int B, int C, int F, int T) {
    int pitch = (F + 7) / 8 * 8, tiles = (T + MOMENTS - 1) / MOMENTS;
    float *dW1 = partial + size_t(blockIdx.x) * (2 * C * F + F + C), *db1 = dW1 + C * F, *dW2 = db1 + F, *db2 = dW2 + C * F;
    Shared shared;
    float* steps = shared.take<float>(C * ROW);    // x
    float* arrives = shared.take<float>(C * ROW);  // dy
    float* w1 = shared.take<float>(C * pitch);     // [channel][unit], both
    float* w2 = shared.take<float>(C * pitch);
    float* a = shared.take<float>(F * ROW);
    float* da = shared.take<float>(F * ROW);
    load_transposed(W1, w1, F, C, pitch);
    for (int i = threadIdx.x; i < C * pitch; i += FEED_THREADS)
        w2[i] = i % pitch < F ? W2[i / pitch * F + i % pitch] : 0.0f;
    for (int tile = blockIdx.x; tile < B * tiles; tile += gridDim.x) {
        int n = tile / tiles, first = tile % tiles * MOMENTS;
        bool begins = tile == int(blockIdx.x);
        const float* own = mask ? mask + size_t(n) * F * T : nullptr;
        __syncthreads();  // the tile before is no longer needed
        load_tile(x + size_t(n) * C * T, steps, C, first, T);
        load_tile(dy + size_t(n) * C * T, arrives, C, first, T);
        __syncthreads();
        make_wide(steps, w1, b1, own, a, C, F, pitch, first, T);
        for (int i = threadIdx.x; i < pitch / 8 * MOMENTS; i += FEED_THREADS) {  // of `a` a thread reads what it has made
            int f0 = i / MOMENTS * 8, t = i % MOMENTS;
            float sums[8] = {};
            multiply<8>(w2 + f0, pitch, arrives + t, C, sums);
#pragma unroll
            for (int r = 0; r < 8; r++) {
                int f = f0 + r;
                if (f >= F) continue;
                bool open = a[f * ROW + t] > 0;  // false beyond the end
                da[f * ROW + t] = open ? sums[r] * (own ? own[size_t(f) * T + first + t] : 1.0f) : 0.0f;
            }
        }
        __syncthreads();
        for (int i = threadIdx.x; i < C * MOMENTS; i += FEED_THREADS) {
            int c = i / MOMENTS, t = i % MOMENTS;
            float sum = 0;
            for (int f = 0; f < F; f++) sum += w1[c * pitch + f] * da[f * ROW + t];
            if (first + t < T) dx[(size_t(n) * C + c) * T + first + t] = sum;
        }
        add_outer(da, steps, dW1, F, C, begins);
        add_outer(arrives, a, dW2, C, F, begins);
        add_sums(da, db1, F, begins);
        add_sums(arrives, db2, C, begins);
    }
}

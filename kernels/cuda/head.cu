// The decoders' last convolution, to one logit a sample: conv1d.cu with one filter of TAPS taps, and its weights' gradient.
//
//     y[t] = b + Σ_c Σ_k W[c, k] x[c, t + k - left],      dW[c, k] = Σ_n Σ_t dy[t] x[c, t + k - left],  db = Σ_n Σ_t dy[t]
//
// One filter leaves the tiles of correlate.cuh and weights.cuh with a load from shared memory for every multiply-add. Here a
// thread takes moments that follow each other, whose samples overlap, and holds them in registers:
//
//   forward     a block of 128 threads has 128 · 7 moments of one sample (blockIdx.y); of a channel a thread loads 17 samples
//               and 11 taps for 77 multiply-adds
//   weights     a block of 8 warps takes strips of 32 · 15 moments in turn, a warp one of its 8 channels (blockIdx.y), a lane
//               15 moments: 25 samples and 15 of dy for 165 multiply-adds. The lanes add up at the end, sums.cu the blocks
//
// 7 and 15 are odd, so that the same sample of 32 lanes lies in 32 banks.
// Bytes per sample: C T floats read, T written or read. Operations: 2 C K T each. x (B, C, T), W (1, C, K), y (B, 1, T).

#include "correlate.cuh"
#include "sums.cuh"

const int TAPS = 11, LEFT = (TAPS - 1) / 2, CHANNELS = 8;
const int FORWARD_RUN = 7, FORWARD_WIDTH = THREADS * FORWARD_RUN;
const int GRADIENT_RUN = 15, GRADIENT_WIDTH = WARP * GRADIENT_RUN;

// Rows of x from moment `first` on, `width` long and TAPS - 1 more, into shared memory; zero outside of a row.
__device__ inline void load_samples(const float* x, float* into, int channels, int first, int width, int T) {
    int row = width + TAPS - 1;
    for (int c = 0; c < channels; c++)
        for (int s = threadIdx.x; s < row; s += blockDim.x) into[c * row + s] = inside(x + c * T, first - LEFT + s, T);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    head_forward(const float* x, const float* W, const float* b, float* y, int C, int T) {
    const int RUN = FORWARD_RUN, ROW = FORWARD_WIDTH + TAPS - 1;
    int first = blockIdx.x * FORWARD_WIDTH;
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * T;
    Shared shared;
    float* samples = shared.take<float>(CHANNELS * ROW);
    float* taps = shared.take<float>(C * TAPS);
    for (int i = threadIdx.x; i < C * TAPS; i += THREADS) taps[i] = W[i];
    float sums[RUN] = {};
    for (int c0 = 0; c0 < C; c0 += CHANNELS) {
        int channels = min(CHANNELS, C - c0);
        __syncthreads();
        load_samples(x + c0 * T, samples, channels, first, FORWARD_WIDTH, T);
        __syncthreads();
        for (int c = 0; c < channels; c++) {
            float mine[RUN + TAPS - 1];
#pragma unroll
            for (int i = 0; i < RUN + TAPS - 1; i++) mine[i] = samples[c * ROW + threadIdx.x * RUN + i];
#pragma unroll
            for (int k = 0; k < TAPS; k++) {
                float tap = taps[(c0 + c) * TAPS + k];
#pragma unroll
                for (int j = 0; j < RUN; j++) sums[j] += tap * mine[j + k];
            }
        }
    }
    __syncthreads();  // the samples' memory can be reused for the sums, so that neighbours write neighbours
#pragma unroll
    for (int j = 0; j < RUN; j++) samples[threadIdx.x * RUN + j] = sums[j];
    __syncthreads();
    for (int i = threadIdx.x; i < min(FORWARD_WIDTH, T - first); i += THREADS) y[first + i] = samples[i] + b[0];
}

// partial (blocks, C TAPS + 1): dW and, last, db.
extern "C" __global__ void __launch_bounds__(CHANNELS * WARP)
    head_weight_gradient(const float* dy, const float* x, float* partial, int B, int C, int T) {
    const int RUN = GRADIENT_RUN, ROW = GRADIENT_WIDTH + TAPS - 1;
    int c = threadIdx.x / WARP, lane = threadIdx.x % WARP, c0 = blockIdx.y * CHANNELS, channels = min(CHANNELS, C - c0);
    Shared shared;
    float* samples = shared.take<float>(CHANNELS * ROW);
    float* arriving = shared.take<float>(GRADIENT_WIDTH);
    float sums[TAPS] = {}, of_b = 0;
    int pieces = (T + GRADIENT_WIDTH - 1) / GRADIENT_WIDTH;  // of a sample
    for (int strip = blockIdx.x; strip < B * pieces; strip += gridDim.x) {
        int n = strip / pieces, first = strip % pieces * GRADIENT_WIDTH;
        __syncthreads();
        load_samples(x + (size_t(n) * C + c0) * T, samples, channels, first, GRADIENT_WIDTH, T);
        for (int i = threadIdx.x; i < GRADIENT_WIDTH; i += blockDim.x)
            arriving[i] = inside(dy + size_t(n) * T, first + i, T);
        __syncthreads();
        if (c >= channels) continue;
        float mine[RUN + TAPS - 1];
#pragma unroll
        for (int i = 0; i < RUN + TAPS - 1; i++) mine[i] = samples[c * ROW + lane * RUN + i];
#pragma unroll
        for (int j = 0; j < RUN; j++) {
            float gradient = arriving[lane * RUN + j];
            of_b += gradient;
#pragma unroll
            for (int k = 0; k < TAPS; k++) sums[k] += gradient * mine[j + k];
        }
    }
    partial += size_t(blockIdx.x) * (C * TAPS + 1);
#pragma unroll
    for (int k = 0; k < TAPS; k++) {
        float sum = warp_sum(sums[k]);
        if (lane == 0 && c < channels) partial[(c0 + c) * TAPS + k] = sum;
    }
    of_b = warp_sum(of_b);
    if (threadIdx.x == 0 && c0 == 0) partial[C * TAPS] = of_b;
}

// Probabilities and cross-entropy from logits: twin of minieqt/loss.py. z, y (B, T); y's rows may lie apart.
// A label below 0 is unknown: no loss, no gradient.
//
// Forward: every block adds up its share in float64 (a thread has a few dozen numbers), a last block the shares.
// Backward and probabilities: one thread per number. 8 (4) bytes read, and written 0 or 4; about 20 operations each.

#include "sums.cuh"

const int THREADS = 256;

extern "C" __global__ void cross_entropy_forward(const float* z, const float* y, double* partial, int T, int y_row,
                                                 int size) {
    Shared shared;
    double* scratch = shared.take<double>(MOST_WARPS);
    double sum = 0;
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < size; i += gridDim.x * THREADS) {
        float logit = z[i], label = y[size_t(i / T) * y_row + i % T];
        if (label >= 0) sum += fmaxf(logit, 0.0f) - logit * label + log1pf(__expf(-fabsf(logit)));
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

extern "C" __global__ void mean_of_partials(const double* partial, double* mean, int blocks, int size) {
    Shared shared;
    double* scratch = shared.take<double>(MOST_WARPS);
    double sum = 0;
    for (int i = threadIdx.x; i < blocks; i += THREADS) sum += partial[i];
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) *mean = sum / size;
}

extern "C" __global__ void cross_entropy_backward(const float* z, const float* y, float scale, float* dz, int T,
                                                  int y_row, int size) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= size) return;
    float label = y[size_t(i / T) * y_row + i % T];
    dz[i] = label < 0 ? 0 : (1 / (1 + __expf(-z[i])) - label) * scale;
}

extern "C" __global__ void probabilities(const float* z, float* p, int size) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < size) p[i] = 1 / (1 + __expf(-z[i]));
}

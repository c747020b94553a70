"""Worked answers of chapter 15."""

from __future__ import annotations

scale = r"""
extern "C" __global__ void scale(const float* x, float* y, float gain) {
    int i = threadIdx.x;
    y[i] = gain * x[i];
}
"""

guarded = r"""
extern "C" __global__ void guarded(const float* x, float* y, float gain, int N) {
    int i = threadIdx.x;
    if (i < N) y[i] = gain * x[i];
}
"""

neighbours = r"""
extern "C" __global__ void neighbours(const float* x, float* y, int N) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= N) return;
    y[i] = i > 0 ? x[i] - x[i - 1] : 0;
}
"""

side_by_side = r"""
extern "C" __global__ void side_by_side(const float* x, float* y, float gain) {
    for (int k = 0; k < 4; ++k) {
        int i = k * blockDim.x + threadIdx.x;
        y[i] = gain * x[i];
    }
}
"""

turned = r"""
extern "C" __global__ void turned(const float* x, float* y) {
    __shared__ float kept[32];
    int t = threadIdx.x, first = blockIdx.x * 32;
    kept[t] = x[first + t];
    __syncthreads();
    y[first + t] = kept[31 - t];
}
"""

energy = r"""
extern "C" __global__ void energy(const float* x, float* y) {
    __shared__ float kept[64];
    int t = threadIdx.x;
    float value = x[blockIdx.x * 64 + t];
    kept[t] = value * value;
    __syncthreads();
    for (int half = 32; half > 0; half /= 2) {
        if (t < half) kept[t] += kept[t + half];
        __syncthreads();
    }
    if (t == 0) y[blockIdx.x] = kept[0];
}
"""

convolved = r"""
extern "C" __global__ void convolved(const float* x, const float* w, float* y, int N) {
    __shared__ float kept[36];
    int t = threadIdx.x, first = blockIdx.x * 32;
    for (int j = t; j < 36; j += 32) {
        int s = first + j - 2;
        kept[j] = 0 <= s && s < N ? x[s] : 0;
    }
    __syncthreads();
    float total = 0;
    for (int k = 0; k < 5; ++k) total += w[k] * kept[t + k];
    if (first + t < N) y[first + t] = total;
}
"""

pooled = r"""
extern "C" __global__ void pooled(const float* x, float* y) {
    int t = threadIdx.x;
    float mine = x[t];
    float partner = __shfl_xor_sync(0xffffffffu, mine, 1);
    if (t % 2 == 0) y[t / 2] = mine > partner ? mine : partner;
}
"""

remaining = r"""
extern "C" __global__ void remaining(const float* x, float* y) {
    __shared__ float kept[64];
    int t = threadIdx.x;
    kept[t] = x[t] * x[t];
    for (int step = 1; step < 64; step *= 2) {
        __syncthreads();
        float later = t + step < 64 ? kept[t + step] : 0;
        __syncthreads();
        kept[t] += later;
    }
    y[t] = kept[t];
}
"""

// Activation functions from one fast exponential and one fast division each; absolute error a few 1e-7.
#pragma once

const float LOWEST = -3.402823466e38f;  // below every score and every sum; NVRTC has no INFINITY

__device__ inline float tanh_of(float x) { return 1 - __fdividef(2.0f, __expf(2 * x) + 1); }
__device__ inline float sigmoid_of(float x) { return __fdividef(1.0f, 1 + __expf(-x)); }

// The gradient before a ReLU, at t of a row of L: dy where y is positive, zero outside of the row. Both are always read:
// a branch costs more than the number.
__device__ inline float let_through(const float* dy, const float* y, int t, int L) {
    bool within = unsigned(t) < unsigned(L);
    float value = within ? y[t] : 0.0f, gradient = within ? dy[t] : 0.0f;
    return value > 0 ? gradient : 0.0f;
}

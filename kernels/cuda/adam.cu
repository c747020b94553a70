// Adam with L1 and L2 penalties over the flat vectors (N,): twin of minieqt/adam.py.
//
// One thread per parameter. 7 floats read or written per parameter, 28 bytes (N = 371,639: 10.4 MB a step, and next to
// no arithmetic), so memory is the limit.
// The step count and the learning rate are read from memory: in a captured graph a number in the launch would stay
// what it was at capture.

#include "shared.cuh"

extern "C" __global__ void adam_step(float* theta, const float* gradient, float* m, float* v, const float* l1,
                                     const float* l2, const double* t, const double* learning_rate, int N) {
    const float TAKE1 = 0.1f, TAKE2 = 0.001f, EPS = 1e-7f;  // 1 - β₁, 1 - β₂
    Shared shared;
    float* step_size = shared.take<float>(1);
    if (threadIdx.x == 0) *step_size = float(*learning_rate * sqrt(1.0 - pow(0.999, *t)) / (1.0 - pow(0.9, *t)));
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= N) return;
    float value = theta[i];
    float sign = value > 0 ? 1.0f : value < 0 ? -1.0f : 0.0f;
    float g = gradient[i] + l1[i] * sign + 2.0f * l2[i] * value;
    float first = m[i] + TAKE1 * (g - m[i]);
    float second = v[i] + TAKE2 * (g * g - v[i]);
    m[i] = first;
    v[i] = second;
    theta[i] = value - *step_size * first / (sqrtf(second) + EPS);
}

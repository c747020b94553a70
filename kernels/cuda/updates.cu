// What layers do to their own arrays: add to gradients, move running statistics. Twin of minieqt/updates.py.
//
// Sixteen arrays in one launch, because a launch takes longer than the work: blockIdx.y is the array, one thread per
// number. Reads two floats per number and writes one. An absent array has size 0.

#include "shared.cuh"

#define FOR_EACH(X) X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), X(14), X(15)
#define PARAMETERS(n) float *to##n, const float *from##n, int size##n
#define TAKE(n) void(blockIdx.y == n && (to = to##n, from = from##n, size = size##n))
#define MY_ARRAY                                               \
    int i = blockIdx.x * blockDim.x + threadIdx.x, size = 0;   \
    float* to = nullptr;                                       \
    const float* from = nullptr;                               \
    FOR_EACH(TAKE)

// array += value
extern "C" __global__ void add_each(FOR_EACH(PARAMETERS)) {
    MY_ARRAY;
    if (i < size) to[i] += from[i];
}

// array += rate (value - array)
extern "C" __global__ void update_running(FOR_EACH(PARAMETERS), float rate) {
    MY_ARRAY;
    if (i < size) to[i] += rate * (from[i] - to[i]);
}

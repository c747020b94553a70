// What a layer does to its own arrays: adds to gradients, moves running statistics. Twin of minieqt/layer.py.
//
// Four arrays in one launch, because a launch takes longer than the work: blockIdx.y is the array, one thread a number.
// Reads two floats a number and writes one. An array that is not there has no numbers.

template <class T>
__device__ inline T choose(T first, T second, T third, T fourth) {
    return blockIdx.y == 0 ? first : blockIdx.y == 1 ? second : blockIdx.y == 2 ? third : fourth;
}

// array += value
extern "C" __global__ void add_each(float* a, const float* a_value, int a_size, float* b, const float* b_value, int b_size,
                                    float* c, const float* c_value, int c_size, float* d, const float* d_value,
                                    int d_size) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < choose(a_size, b_size, c_size, d_size))
        choose(a, b, c, d)[i] += choose(a_value, b_value, c_value, d_value)[i];
}

// array += rate (value - array)
extern "C" __global__ void move_each(float* a, const float* a_value, int a_size, float* b, const float* b_value,
                                     int b_size, float* c, const float* c_value, int c_size, float* d,
                                     const float* d_value, int d_size, float rate) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= choose(a_size, b_size, c_size, d_size)) return;
    float* at = choose(a, b, c, d) + i;
    *at += rate * (choose(a_value, b_value, c_value, d_value)[i] - *at);
}

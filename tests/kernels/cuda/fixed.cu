// Shared memory of a fixed size, as CUDA's own examples have it, for the tests of the host build.

extern "C" __global__ void turn_fixed(const float* x, float* y) {
    __shared__ float kept[64], beside[64];
    beside[threadIdx.x] = kept[threadIdx.x];  // NaN
    kept[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = beside[threadIdx.x] != beside[threadIdx.x] ? kept[63 - threadIdx.x] : 0;
}

extern "C" __global__ void turn_fixed_early(const float* x, float* y) {
    __shared__ float kept[64];
    kept[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = kept[63 - threadIdx.x];
}

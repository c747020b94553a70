// The same tile on tensor cores, in TF32: numbers of 8 bits of exponent and 10 of fraction, sums in float32.
//
// Compiled with TF32=1 every number is rounded to that. With TF32=3 it is taken as a sum of two such numbers, x = high + low,
// and a product is made of three (high w · high x + high w · low x + low w · high x): what is left out is 2^-21 of it, about
// what float32 rounds, and three of these products take half the time of float32's own. (Markidis et al. 2018; Ootomo and
// Yokota 2022.)
//
// One instruction of a warp multiplies 16 filters × 8 channels by 8 channels × 8 moments. A block of 4 warps has the tile
// of correlate.cuh: a warp has 32 filters and 6 times 8 moments, or, where there are 16 filters only, 12 times as many.
// For each tap the channels are taken eight at a time; what lies outside is zero. The instruction defines which lane holds
// what (PTX, mma.m16n8k8), with g = lane / 4 and i = lane % 4:
//
//     weights (filter, channel)      (g, i) (g + 8, i) (g, i + 4) (g + 8, i + 4)
//     samples (channel, moment)      (i, g) (i + 4, g)
//     sums (filter, moment)          (g, 2i) (g, 2i + 1) (g + 8, 2i) (g + 8, 2i + 1)
//
// The sums go through shared memory, so that a kernel's `write` finds neighbouring moments in neighbouring threads.
// Per tap and 8 channels a thread loads 20 numbers (28 with 16 filters) for 12 instructions, each worth 32 multiply-adds
// of its own; a multiprocessor does about one of either per cycle.
#pragma once

#include "shared.cuh"

const int TENSOR_FILTERS = 16, TENSOR_CHANNELS = 8, TENSOR_MOMENTS = 8, TENSOR_TIMES = 12;

#ifdef TF32
const int PRODUCTS = TF32;
#else
const int PRODUCTS = 1;
#endif

// Rounded to the bits that the instruction uses: the 13 lowest are dropped. NaN and infinity stay what they are; the GPU's
// own conversion takes several branches.
__device__ inline float to_tf32(float x) {
    unsigned bits = __float_as_uint(x);
    if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0x1000u) & ~0x1fffu;
    return __uint_as_float(bits);
}

// A number as it is stored in shared memory: rounded, or whole, to be split where it is multiplied.
__device__ inline float stored(float x) { return PRODUCTS == 3 ? x : to_tf32(x); }

// The part of a number that the instruction uses: without the 13 lowest bits.
__device__ inline float high_of(float x) { return __uint_as_float(__float_as_uint(x) & ~0x1fffu); }

// What a thread holds of one side of a product.
template <int COUNT>
struct Operand {
    float high[COUNT], low[COUNT];
    __device__ void set(int i, float x) {
        high[i] = PRODUCTS == 3 ? high_of(x) : x;
        if (PRODUCTS == 3) low[i] = x - high[i];
    }
};

#ifdef CUDA_ON_HOST
struct Pair {
    float first, second;
};

// Every lane gets the operands of all others.
__device__ inline void multiply_add(float* sums, const float* weights, const float* samples) {
    int g = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    float w[16][8], x[8][8];
    for (int lane = 0; lane < 32; lane++) {
        int from_g = lane / 4, from_i = lane % 4;
        for (int j = 0; j < 2; j++) {
            Pair pair = __shfl_sync(0xffffffffu, Pair{weights[2 * j], weights[2 * j + 1]}, lane);
            w[from_g][from_i + j * 4] = high_of(pair.first), w[from_g + 8][from_i + j * 4] = high_of(pair.second);
        }
        Pair pair = __shfl_sync(0xffffffffu, Pair{samples[0], samples[1]}, lane);
        x[from_i][from_g] = high_of(pair.first), x[from_i + 4][from_g] = high_of(pair.second);
    }
    for (int j = 0; j < 4; j++)
        for (int c = 0; c < 8; c++) sums[j] += w[g + j / 2 * 8][c] * x[c][2 * i + j % 2];
}
#else
__device__ inline void multiply_add(float* sums, const float* weights, const float* samples) {
    const unsigned* w = reinterpret_cast<const unsigned*>(weights);
    const unsigned* x = reinterpret_cast<const unsigned*>(samples);
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3]), "r"(x[0]), "r"(x[1]));
}
#endif

// The smallest products first.
__device__ inline void multiply_add_all(float* sums, const Operand<4>& weights, const Operand<2>& samples) {
    if (PRODUCTS == 3) {
        multiply_add(sums, weights.low, samples.high);
        multiply_add(sums, weights.high, samples.low);
    }
    multiply_add(sums, weights.high, samples.high);
}

// `chunk` is a multiple of 8 channels. Called with what correlate_tile is called with.
// HIGH: how many times 16 filters a warp has.
template <int HIGH, class Read, class Write>
__device__ void correlate_tensor(const float* weights, Read read, Write write, int C, int O, int K, int left, int chunk) {
    const int WARPS = 4, TALL = HIGH * TENSOR_FILTERS, TIMES = TENSOR_TIMES / HIGH;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, i = lane % 4;
    int down = O > TALL ? 2 : 1;  // warps over filters; the others are over time
    int filters = down * TALL, first_filter = blockIdx.z * 64;
    int width = WARPS / down * TIMES * TENSOR_MOMENTS, first = blockIdx.x * width, samples = width + K - 1;
    int my_filter = warp % down * TALL, my_time = warp / down * TIMES * TENSOR_MOMENTS;
    int pitch = filters + 8, row = (samples + 31) / 32 * 32 + 8;  // the four channels of a load lie 8 banks apart
    Shared shared;
    float* x = shared.take<float>(chunk * row);        // [channel][sample]
    float* w = shared.take<float>(chunk * K * pitch);  // [tap][channel][filter]

    weights += blockIdx.z * ((C + chunk - 1) / chunk) * chunk * K * filters;
    float sums[HIGH][TIMES][4] = {};
    for (int c0 = 0; c0 < C; c0 += chunk) {
        __syncthreads();
        for (int c = warp; c < chunk; c += WARPS) {
            if (c0 + c < C) {
                auto channel = read(c0 + c);
                for (int s = lane; s < samples; s += 32) x[c * row + s] = stored(channel(first + s - left));
            } else  // its weights are zero, but zero times what was never written can be NaN
                for (int s = lane; s < samples; s += 32) x[c * row + s] = 0.0f;
        }
        copy_rows(weights, w, chunk * K, filters, pitch);
        weights += chunk * K * filters;
        __syncthreads();
        for (int k = 0; k < K; k++)
            for (int c = 0; c < chunk; c += TENSOR_CHANNELS) {
                const float* from = w + (k * chunk + c + i) * pitch + my_filter + g;
                Operand<4> taps[HIGH];
#pragma unroll
                for (int h = 0; h < HIGH; h++, from += TENSOR_FILTERS) {
                    taps[h].set(0, from[0]), taps[h].set(1, from[8]);
                    taps[h].set(2, from[4 * pitch]), taps[h].set(3, from[4 * pitch + 8]);
                }
                const float* at = x + (c + i) * row + my_time + g + k;
#pragma unroll
                for (int j = 0; j < TIMES; j++) {
                    Operand<2> pair;
                    pair.set(0, at[j * TENSOR_MOMENTS]), pair.set(1, at[4 * row + j * TENSOR_MOMENTS]);
#pragma unroll
                    for (int h = 0; h < HIGH; h++) multiply_add_all(sums[h][j], taps[h], pair);
                }
            }
    }
    __syncthreads();
    shared.begin_again();
    int out_row = width + 8;  // four filters' eight moments lie in 32 banks
    float* out = shared.take<float>(filters * out_row);  // [filter][moment]
#pragma unroll
    for (int h = 0; h < HIGH; h++)
#pragma unroll
        for (int j = 0; j < TIMES; j++)
#pragma unroll
            for (int part = 0; part < 4; part += 2) {
                int o = my_filter + h * TENSOR_FILTERS + g + part / 2 * 8, t = my_time + j * TENSOR_MOMENTS + 2 * i;
                *reinterpret_cast<float2*>(out + o * out_row + t) = float2{sums[h][j][part], sums[h][j][part + 1]};
            }
    __syncthreads();
    for (int o = warp; o < filters; o += WARPS) {
        auto put = write(first_filter + o);
        for (int t = lane; t < width; t += 32) put(first + t, out[o * out_row + t]);
    }
}

// Dropout masks: twin of minieqt/layers/dropout.py, the same numbers to the bit.
//
// One thread per block of four numbers: counter (block, sample, stream, step), key (seed, DROPOUT). Writes 4 bytes per
// number, about 20 operations each. The step is read from memory: a captured graph draws new masks at every replay.

#include "philox.cuh"

extern "C" __global__ void dropout_mask(unsigned seed, unsigned first_sample, unsigned stream, const unsigned* step,
                                        unsigned threshold, float kept, float* mask, int samples, int count) {
    const unsigned DROPOUT = 0;
    int blocks = (count + 3) / 4, i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= samples * blocks) return;
    int sample = i / blocks, block = i % blocks;
    Words words = philox(block, first_sample + sample, stream, *step, seed, DROPOUT);
    for (int j = 0; j < 4 && 4 * block + j < count; j++)
        mask[sample * count + 4 * block + j] = (words.word[j] >> 8) < threshold ? 0.0f : kept;
}

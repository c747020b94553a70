// The block's shared memory, piece by piece:
//
//     Shared shared;
//     float* row = shared.take<float>(T);
//
// The launcher passes the sum of all pieces, each rounded up to 16 bytes (launch.shared_bytes). Every thread takes
// the same pieces in the same order. `begin_again` gives the memory of all earlier pieces to those that follow, once no
// thread needs them any more. On the host a piece is an allocation of its own (on_host.h).
#pragma once

#ifdef CUDA_ON_HOST
struct Shared {
    template <class T>
    T* take(int count) { return static_cast<T*>(on_host::take_shared(count * sizeof(T))); }
    void begin_again() { on_host::first_piece = on_host::fibers[on_host::current].pieces; }
};
#else
struct Shared {
    char* next;
    __device__ Shared() { begin_again(); }
    __device__ void begin_again() {
        extern __shared__ float4 memory[];
        next = reinterpret_cast<char*>(memory);
    }
    template <class T>
    __device__ T* take(int count) {
        T* piece = reinterpret_cast<T*>(next);
        next += (count * sizeof(T) + 15) / 16 * 16;
        return piece;
    }
};
#endif

const int IN_FLIGHT = 4;

// Rows of `filters` weights into shared memory, `pitch` apart: four numbers at a time, where a row has as many.
__device__ inline void copy_rows(const float* from, float* into, int rows, int filters, int pitch) {
    if (filters % 4) {
        for (int i = threadIdx.x; i < rows * filters; i += blockDim.x) into[i / filters * pitch + i % filters] = from[i];
        return;
    }
    int across = filters / 4;  // a power of two, and so divides the block
    int column = threadIdx.x % across * 4;
    int step = blockDim.x / across, row = threadIdx.x / across;
    for (; row + (IN_FLIGHT - 1) * step < rows; row += IN_FLIGHT * step) {  // all loads, then all that wait for them
        float4 pieces[IN_FLIGHT];
#pragma unroll
        for (int i = 0; i < IN_FLIGHT; i++)
            pieces[i] = *reinterpret_cast<const float4*>(from + (row + i * step) * filters + column);
#pragma unroll
        for (int i = 0; i < IN_FLIGHT; i++)
            *reinterpret_cast<float4*>(into + (row + i * step) * pitch + column) = pieces[i];
    }
    for (; row < rows; row += step)
        *reinterpret_cast<float4*>(into + row * pitch + column) =
            *reinterpret_cast<const float4*>(from + row * filters + column);
}

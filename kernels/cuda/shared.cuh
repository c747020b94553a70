// The block's shared memory, piece by piece:
//
//     Shared shared;
//     float* row = shared.take<float>(T);
//
// The launcher hands over the sum of all pieces, each rounded up to 16 bytes (launch.shared_bytes). Every thread takes
// the same pieces in the same order. On the host a piece is an allocation of its own (on_host.h).
#pragma once

#ifdef CUDA_ON_HOST
struct Shared {
    template <class T>
    T* take(int count) { return static_cast<T*>(on_host::take_shared(count * sizeof(T))); }
};
#else
struct Shared {
    char* next;
    __device__ Shared() {
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

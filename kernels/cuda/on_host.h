// Enough of CUDA for g++ to compile a .cu file and run it on the processor: to test kernels, not to be fast.
//
// Blocks run one after the other. The threads of a block are fibers: each runs until it waits at a barrier, then the
// next one runs. What goes wrong silently on a GPU is an error here:
//   - memory is fresh at every block: shared memory holds NaN, and every piece of it is an allocation of its own, so
//     that AddressSanitizer sees an index out of bounds;
//   - a barrier that some threads of a block (or of a warp) never reach is reported;
//   - threads and blocks can run in reverse (reverse_order): a result that changes was read before a barrier made it
//     safe, or is a sum without a fixed order;
//   - arguments of another type than the kernel's parameters are reported (see signature);
//   - every access to memory can be watched (watchers/watch.h).
#pragma once
#define CUDA_ON_HOST

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(WATCHED)
#include "watchers/watch.h"
#else  // nothing is watched (watchers/watch.h)
inline void watch_launch(const void*, size_t) {}
inline void watch_block(int, int) {}
inline void watch_piece(const void*, size_t, size_t) {}
inline void watch_turn(int) {}
inline void watch_barrier() {}
inline void watch_warp(int, bool) {}
inline const char* watch_end() { return ""; }
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

// Shared arrays of a fixed size lie in a section of their own, whose beginning and end the linker names.
#define __shared__ static __attribute__((section("shared_arrays")))
extern "C" {
extern char __start_shared_arrays[] __attribute__((weak, visibility("hidden")));
extern char __stop_shared_arrays[] __attribute__((weak, visibility("hidden")));
}

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};
struct int2 {
    int x, y;
};
// Copied by one access to memory, as on a GPU: g++ would use one for each number.
#define IN_ONE_PIECE(type, bytes)                                                                   \
    using Whole = float __attribute__((vector_size(bytes), may_alias));                             \
    type() = default;                                                                               \
    type(const type& from) { *reinterpret_cast<Whole*>(this) = *reinterpret_cast<const Whole*>(&from); } \
    type& operator=(const type& from) {                                                             \
        *reinterpret_cast<Whole*>(this) = *reinterpret_cast<const Whole*>(&from);                   \
        return *this;                                                                               \
    }
struct alignas(8) float2 {
    float x, y;
    float2(float x, float y) : x(x), y(y) {}
    IN_ONE_PIECE(float2, 8)
};
struct alignas(16) float4 {
    float x, y, z, w;
    IN_ONE_PIECE(float4, 16)
};
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

// A stack that can be left and taken up again: `prepare` it to begin with a function, `change` from one to another.
#if defined(__x86_64__)
// swapcontext asks the kernel about signals at every change, several times the cost of everything else here. So: push
// what a call must preserve, note where the stack stands, take the other stack, pop, return to where that one called.
extern "C" void change_stacks(void** from, void* to);
asm(R"(
.text
.type change_stacks, @function
change_stacks:
    pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
    ret
)");
using Context = void*;
inline void prepare(Context& context, char* stack, size_t size, void (*begin)()) {
    void** top = reinterpret_cast<void**>(stack + size) - 2;  // a function finds the stack 8 below a multiple of 16
    top[0] = reinterpret_cast<void*>(begin);
    for (int i = 1; i <= 6; i++) top[-i] = nullptr;
    context = top - 6;
}
inline void change(Context& from, Context& to) { change_stacks(&from, to); }
#else
using Context = ucontext_t;
inline void prepare(Context& context, char* stack, size_t size, void (*begin)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = size;
    context.uc_link = nullptr;
    makecontext(&context, begin, 0);
}
inline void change(Context& from, Context& to) { swapcontext(&from, &to); }
#endif

namespace on_host {

constexpr int WARP = 32, MOST_THREADS = 1024;
constexpr size_t STACK = 256 * 1024;

enum State { READY, AT_SHUFFLE, AT_WARP_BARRIER, AT_BLOCK_BARRIER, DONE };

struct Fiber {
    Context context;
    State state;
    int exchanges, pieces;  // how many shuffles, and how many pieces of shared memory, this thread has had
    void* fake_stack;       // AddressSanitizer's
};

inline Fiber fibers[MOST_THREADS];
inline char* stacks = nullptr;
inline Context scheduler;
inline void* scheduler_fake_stack = nullptr;
inline const void* scheduler_stack = nullptr;
inline size_t scheduler_stack_size = 0;
inline int current = 0, threads = 0;
inline bool reversed = false;
inline uint64_t slots[MOST_THREADS][2];  // what each thread offers to its warp; two, so that one barrier is enough
inline std::vector<void*> pieces;        // of this block's shared memory
inline std::vector<size_t> piece_sizes;
inline size_t first_piece = 0;  // of those that lie side by side now (Shared::begin_again)
inline size_t shared_bytes = 0;
inline std::string error;
inline void (*body)(void*) = nullptr;
inline void* body_arguments = nullptr;

inline void fail(const std::string& message) {
    if (error.empty()) error = message;
}

#if defined(__SANITIZE_ADDRESS__)
inline void leave_for(void** save, const void* stack, size_t size) { __sanitizer_start_switch_fiber(save, stack, size); }
inline void arrive_from(void* saved, const void** stack, size_t* size) {
    __sanitizer_finish_switch_fiber(saved, stack, size);
}
#else
inline void leave_for(void**, const void*, size_t) {}
inline void arrive_from(void*, const void**, size_t*) {}
#endif

// A thread stops running; it goes on when the scheduler has seen all threads arrive that it waits for.
inline void wait(State why) {
    Fiber& fiber = fibers[current];
    fiber.state = why;
    leave_for(&fiber.fake_stack, scheduler_stack, scheduler_stack_size);
    change(fiber.context, scheduler);
    arrive_from(fiber.fake_stack, &scheduler_stack, &scheduler_stack_size);
}

inline void run_fiber() {
    arrive_from(nullptr, &scheduler_stack, &scheduler_stack_size);
    body(body_arguments);
    fibers[current].state = DONE;
    leave_for(nullptr, scheduler_stack, scheduler_stack_size);  // nullptr: this fiber's stack is done with
    change(fibers[current].context, scheduler);
}

inline void give_turn(int thread) {
    current = thread;
    watch_turn(thread);
    threadIdx.x = thread % blockDim.x;
    threadIdx.y = thread / blockDim.x % blockDim.y;
    threadIdx.z = thread / (blockDim.x * blockDim.y);
    leave_for(&scheduler_fake_stack, stacks + size_t(thread) * STACK, STACK);
    change(scheduler, fibers[thread].context);
    arrive_from(scheduler_fake_stack, nullptr, nullptr);
}

// Let the threads [first, last) go on if all of them wait for each other. An exited thread never arrives.
inline bool release(int first, int last, State barrier) {
    for (int i = first; i < last; i++)
        if (fibers[i].state != barrier) return false;
    for (int i = first; i < last; i++) fibers[i].state = READY;
    return true;
}

// Bytes of shared memory of fixed size that the kernels of this file have.
inline size_t fixed_bytes() { return (__stop_shared_arrays - __start_shared_arrays + 15) / 16 * 16; }

inline void run_block(int number) {
    watch_block(number, threads);
    if (fixed_bytes()) {
        memset(__start_shared_arrays, 0xff, __stop_shared_arrays - __start_shared_arrays);
        watch_piece(__start_shared_arrays, __stop_shared_arrays - __start_shared_arrays, 0);
    }
    for (int i = 0; i < threads; i++) {
        Fiber& fiber = fibers[i];
        prepare(fiber.context, stacks + size_t(i) * STACK, STACK, run_fiber);
        fiber.state = READY;
        fiber.exchanges = fiber.pieces = 0;
    }
    for (bool progress = true; progress && error.empty();) {
        progress = false;
        for (int i = 0; i < threads && error.empty(); i++) {
            int thread = reversed ? threads - 1 - i : i;
            if (fibers[thread].state == READY) {
                give_turn(thread);
                progress = true;
            }
        }
        for (int first = 0; first < threads; first += WARP)
            for (State barrier : {AT_SHUFFLE, AT_WARP_BARRIER})
                if (release(first, std::min(first + WARP, threads), barrier)) {
                    watch_warp(first / WARP, barrier == AT_WARP_BARRIER);
                    progress = true;
                }
        if (release(0, threads, AT_BLOCK_BARRIER)) {
            watch_barrier();
            progress = true;
        }
    }
    for (int i = 0; i < threads; i++)
        if (fibers[i].state != DONE) fail("a barrier was not reached by all threads, by thread " + std::to_string(i) + " it was");
    for (void* piece : pieces) free(piece);
    pieces.clear();
    piece_sizes.clear();
    first_piece = 0;
}

// The next piece of the block's shared memory: the same for every thread, NaN at first.
inline void* take_shared(size_t bytes) {
    size_t number = fibers[current].pieces++;
    if (number == pieces.size()) {
        void* piece = nullptr;
        if (posix_memalign(&piece, 16, std::max<size_t>(bytes, 1))) abort();
        memset(piece, 0xff, bytes);
        pieces.push_back(piece);
        piece_sizes.push_back(bytes);
        size_t total = 0;
        for (size_t i = first_piece; i < piece_sizes.size(); i++) {
            if (i + 1 == piece_sizes.size()) watch_piece(piece, bytes, fixed_bytes() + total);
            total += (piece_sizes[i] + 15) / 16 * 16;
        }
        if (total > shared_bytes)
            fail("the kernel takes " + std::to_string(total) + " bytes of shared memory, launched with " + std::to_string(shared_bytes));
    }
    if (piece_sizes[number] != bytes) fail("threads of a block take different pieces of shared memory");
    return pieces[number];
}

template <class T>
T exchange(T value, int source) {
    static_assert(sizeof(T) <= 8);
    int side = fibers[current].exchanges++ % 2;
    memcpy(&slots[current][side], &value, sizeof(T));
    int warp = current / WARP * WARP;
    if (warp + WARP > threads) fail("a shuffle in a warp that is not whole");
    wait(AT_SHUFFLE);
    memcpy(&value, &slots[warp + source][side], sizeof(T));
    return value;
}

template <class T>
std::string type_name() {
    using Plain = std::remove_cv_t<T>;
    if constexpr (std::is_pointer_v<Plain>)
        return type_name<std::remove_pointer_t<Plain>>() + "*";
    else if constexpr (std::is_floating_point_v<Plain>)
        return "f" + std::to_string(sizeof(Plain));
    else
        return (std::is_unsigned_v<Plain> ? "u" : "i") + std::to_string(sizeof(Plain));
}

template <class... Parameters>
std::string signature(void (*)(Parameters...)) {
    std::string names;
    ((names += type_name<Parameters>() + " "), ...);
    return names;
}

template <class... Parameters, size_t... I>
void call(void (*kernel)(Parameters...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_cv_t<Parameters>*>(arguments[I])...);
}

// Run a kernel as cuLaunchKernel would: pointers to the arguments, in order. Returns what went wrong, or an empty text.
template <class... Parameters>
const char* launch(void (*kernel)(Parameters...), const unsigned* grid, const unsigned* block, size_t shared, void** arguments) {
    using Kernel = void (*)(Parameters...);
    static std::pair<Kernel, void**> what;
    what = {kernel, arguments};
    body = [](void*) { call(what.first, what.second, std::index_sequence_for<Parameters...>()); };
    error.clear();
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    threads = block[0] * block[1] * block[2];
    shared_bytes = shared;
    if (threads < 1 || threads > MOST_THREADS) fail(std::to_string(threads) + " threads in a block");
    if (!stacks) stacks = static_cast<char*>(malloc(MOST_THREADS * STACK));
    watch_launch(stacks, MOST_THREADS * STACK);
    unsigned blocks = grid[0] * grid[1] * grid[2];
    for (unsigned i = 0; i < blocks && error.empty(); i++) {
        unsigned number = reversed ? blocks - 1 - i : i;
        blockIdx = {number % grid[0], number / grid[0] % grid[1], number / (grid[0] * grid[1])};
        run_block(number);
    }
    if (const char* seen = watch_end(); *seen) fail(seen);
    return error.c_str();
}

}  // namespace on_host

// What a file of kernels is wrapped with, one line a kernel.
#define ON_HOST(kernel)                                                                                      \
    extern "C" const char* run_##kernel(const unsigned* grid, const unsigned* block, size_t shared, void** arguments) { \
        return on_host::launch(kernel, grid, block, shared, arguments);                                     \
    }                                                                                                        \
    extern "C" const char* signature_##kernel() {                                                           \
        static std::string names = on_host::signature(kernel);                                              \
        return names.c_str();                                                                               \
    }
extern "C" void reverse_order(int on) { on_host::reversed = on; }

inline void __syncthreads() { on_host::wait(on_host::AT_BLOCK_BARRIER); }
inline void __syncwarp(unsigned = 0xffffffffu) { on_host::wait(on_host::AT_WARP_BARRIER); }

template <class T>
T __shfl_sync(unsigned, T value, int lane) { return on_host::exchange(value, lane % on_host::WARP); }
template <class T>
T __shfl_xor_sync(unsigned, T value, int lanes) { return on_host::exchange(value, (on_host::current % on_host::WARP) ^ lanes); }
template <class T>
T __shfl_down_sync(unsigned, T value, int by) {
    int lane = on_host::current % on_host::WARP;
    return on_host::exchange(value, lane + by < on_host::WARP ? lane + by : lane);
}
template <class T>
__attribute__((no_sanitize("thread"))) T atomicAdd(T* at, T value) {
    T before = *at;
    *at += value;
    return before;
}

using std::max;
using std::min;
inline float __expf(float x) { return expf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float rsqrtf(float x) { return 1 / sqrtf(x); }
inline unsigned __float_as_uint(float x) {
    unsigned bits;
    memcpy(&bits, &x, 4);
    return bits;
}
inline float __uint_as_float(unsigned bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return (uint64_t(a) * b) >> 32; }

// What all watchers share: the memory that is looked at, and g++'s calls (see watch.h).
#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <vector>

#include "watch.h"

namespace {

// A stretch of memory whose accesses count. `number`: 0 is shared memory, from 1 on the arrays in the kernel's order.
struct Memory {
    uintptr_t first, end;
    size_t offset, item;  // where it begins in its own space; bytes of a number
    int number;
};
struct Place {
    int number;
    size_t offset, item;
};

std::vector<Memory> arrays, pieces;
uintptr_t stacks_first = 0, stacks_end = 0;
int thread = 0;  // who runs

// Where an address lies; nullptr for a thread's own memory.
inline const Memory* memory_of(uintptr_t address) {
    if (stacks_first <= address && address < stacks_end) return nullptr;
    for (const auto* memories : {&pieces, &arrays})
        for (const Memory& memory : *memories)
            if (memory.first <= address && address < memory.end) return &memory;
    return nullptr;
}

void accessed(Place place, size_t bytes, bool write, uintptr_t from);

inline void access(void* at, size_t bytes, bool write, void* from) {
    auto address = reinterpret_cast<uintptr_t>(at);
    if (const Memory* memory = memory_of(address))
        accessed({memory->number, memory->offset + (address - memory->first), memory->item}, bytes, write,
                 reinterpret_cast<uintptr_t>(from));
}

void begin_launch(const void* stacks, size_t bytes) {
    stacks_first = reinterpret_cast<uintptr_t>(stacks), stacks_end = stacks_first + bytes;
}

void end_launch() {
    arrays.clear();
    pieces.clear();
}

// An instruction's place in its library; a call returns to the one behind it.
uintptr_t offset_of(uintptr_t from) {
    Dl_info library;
    dladdr(reinterpret_cast<void*>(from), &library);
    return from - 1 - reinterpret_cast<uintptr_t>(library.dli_fbase);
}

}  // namespace

#define FROM __builtin_return_address(0)
#define WATCHED_SIZE(n)                                                  \
    void __tsan_read##n(void* at) { access(at, n, false, FROM); }        \
    void __tsan_write##n(void* at) { access(at, n, true, FROM); }
extern "C" {
WATCHED_SIZE(1) WATCHED_SIZE(2) WATCHED_SIZE(4) WATCHED_SIZE(8) WATCHED_SIZE(16)
void __tsan_read_range(void* at, size_t bytes) { access(at, bytes, false, FROM); }
void __tsan_write_range(void* at, size_t bytes) { access(at, bytes, true, FROM); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
char __tsan_atomic8_load(const char* at, int) { return *at; }

// Arguments may be views of one array: they are one memory.
void watch_array(const void* at, size_t bytes, size_t item) {
    auto first = reinterpret_cast<uintptr_t>(at), end = first + bytes;
    for (Memory& memory : arrays)
        if (first < memory.end && memory.first < end) {
            memory.first = std::min(memory.first, first), memory.end = std::max(memory.end, end);
            return;
        }
    arrays.push_back({first, end, 0, item, int(arrays.size()) + 1});
}
void watch_piece(const void* piece, size_t bytes, size_t offset) {
    auto first = reinterpret_cast<uintptr_t>(piece);
    pieces.push_back({first, first + bytes, offset, sizeof(float), 0});
}
void watch_turn(int number) { thread = number; }
}

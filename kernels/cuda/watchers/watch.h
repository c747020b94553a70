// How a kernel on the host build is watched: every access to its arrays and to its block's shared memory, one by one.
//
// With -fsanitize=thread g++ calls a function before each access to memory. Here those are not ThreadSanitizer's, which
// does not support our fibers, but our own: they find the place and pass it to `accessed`, which each watcher defines
// (races.cpp, traffic.cpp). on_host.h tells them which thread runs, and where all threads waited for each other.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
void watch_array(const void* first, size_t bytes, size_t item);        // an argument of the kernel, before it starts
void watch_launch(const void* stacks, size_t bytes);                   // local variables lie there: not looked at
void watch_block(int block, int threads);                              // a block begins
void watch_piece(const void* piece, size_t bytes, size_t offset);      // of its shared memory, and where a GPU has it
void watch_turn(int thread);                                           // from now on this thread runs
void watch_barrier();                                                  // the whole block has met
void watch_warp(int warp, bool barrier);                               // the threads of this warp have; not at a barrier
                                                                       // of the warp, then they exchanged numbers
const char* watch_end();                                               // what is wrong, or the empty text
}

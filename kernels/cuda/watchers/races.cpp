// Races: two threads access one number, at least one of them writes, and nothing between them fixes which is first.
//
// Between threads of a block a barrier of the block does so; between threads of a warp a barrier of the warp does, too
// (a shuffle does not: it exchanges registers and orders no memory); between blocks nothing does until the kernel ends.
// So for every number it is enough to know which thread wrote it last and which have read it since the last barrier, and
// for every such access how many barriers came before.
#include <string>

#include "watcher.h"

namespace {

struct Moment {
    uint32_t epoch = 0, warp_epoch = 0;  // barriers before, of all blocks so far and of this warp; epoch 0: never
    int32_t block = 0, thread = 0;
    uintptr_t from = 0;  // the instruction
};

struct Number {
    Moment written, read;  // the last ones
    uint32_t readers = 0;  // lanes of read's warp, at its moment
    Moment other_warp, other_block;  // who has read before `read`
};

const int WARP = 32;
std::vector<std::vector<Number>> numbers;  // by memory, and there by the number's place
std::vector<uint32_t> warp_epochs;
uint32_t epoch = 0;
int block = 0;
std::string report;

std::string described(const Moment& moment, const char* what) {
    return "thread " + std::to_string(moment.thread) + " of block " + std::to_string(moment.block) + " " + what + " at {" +
           std::to_string(offset_of(moment.from)) + "}";  // on_host.py says which line that is
}

// Whether what happened at `before` is over for the thread that runs.
bool over(const Moment& before) {
    if (before.epoch == 0 || (before.block == block && before.thread == thread)) return true;
    if (before.block != block) return false;
    if (before.epoch != epoch) return true;
    return before.thread / WARP == thread / WARP && before.warp_epoch != warp_epochs[thread / WARP];
}

// The last of those who have read a number and need not be over; a moment of epoch 0 if there is none.
Moment reader(const Number& number) {
    const Moment& read = number.read;
    if (!over(read)) return read;
    if (read.epoch == epoch && read.warp_epoch == warp_epochs[thread / WARP]) {  // by this thread: and who beside it?
        uint32_t others = number.readers & ~(1u << thread % WARP);
        if (others) return {epoch, read.warp_epoch, block, thread / WARP * WARP + __builtin_ctz(others), read.from};
    }
    for (const Moment& other : {number.other_warp, number.other_block})
        if (!over(other)) return other;
    return {};
}

void race(Place place, const Moment& before, const char* then, const Moment& now, const char* what) {
    if (!report.empty()) return;
    std::string where = place.number ? "array " + std::to_string(place.number) : "shared memory";
    report = "a race in " + where + ", byte " + std::to_string(place.offset) + ": " + described(before, then) + ", " +
             described(now, what);
}

void accessed(Place place, size_t bytes, bool write, uintptr_t from) {
    Moment now = {epoch, warp_epochs[thread / WARP], block, thread, from};
    auto& space = numbers[place.number];
    size_t last = (place.offset + bytes - 1) / place.item;
    if (last >= space.size()) space.resize(last + 1);
    for (size_t i = place.offset / place.item; i <= last; i++) {
        Number& number = space[i];
        Moment& read = number.read;
        if (!over(number.written)) race(place, number.written, "wrote", now, write ? "wrote" : "read");
        if (write) {
            if (Moment before = reader(number); before.epoch) race(place, before, "read", now, "wrote");
            number.written = now;
            continue;
        }
        bool same_block = read.block == block, same_epoch = read.epoch == epoch;
        bool same_warp = same_epoch && read.thread / WARP == thread / WARP;
        if (read.epoch && !same_block) number.other_block = read;
        if (same_epoch && !same_warp) number.other_warp = read;
        if (!same_warp || read.warp_epoch != now.warp_epoch) number.readers = 0;
        number.readers |= 1u << thread % WARP;
        read = now;
    }
}

}  // namespace

extern "C" {
void watch_launch(const void* stacks, size_t bytes) {
    begin_launch(stacks, bytes);
    numbers.assign(arrays.size() + 1, {});
    report.clear();
    epoch = 0;
}
void watch_block(int number, int threads) {
    block = number;
    epoch++;
    warp_epochs.assign((threads + WARP - 1) / WARP, 0);
    numbers[0].clear();
    pieces.clear();
}
void watch_barrier() { epoch++; }
void watch_warp(int warp, bool barrier) { warp_epochs[warp] += barrier; }
const char* watch_end() {
    end_launch();
    return report.c_str();
}
}

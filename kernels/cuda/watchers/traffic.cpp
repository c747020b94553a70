// Traffic: what a kernel's accesses cost a GPU's memory, counted by the warp.
//
// The lanes of a warp that come to an instruction together are one request. In device memory a request moves sectors of
// 32 bytes, in shared memory it takes one pass for every different word that falls to the same of 32 banks of 4 bytes (a
// word that many lanes read counts once). On the host the lanes come one after the other: the nth time that each comes to
// an instruction since the warp last met is taken for one request.
#include <map>
#include <unordered_map>

#include "watcher.h"

namespace {

const int WARP = 32, BANKS = 32, WORD = 4, SECTOR = 32;

struct Request {
    int number;
    size_t bytes;  // a lane
    std::vector<size_t> offsets;  // of its lanes
};
struct Instruction {
    std::vector<Request> requests;
    int times[WARP] = {};  // how often each lane has come here
};
using Warp = std::unordered_map<uintptr_t, Instruction>;  // by instruction, and whether it writes in the lowest bit

}  // namespace

// What an instruction has moved, to or from one memory. `units` are sectors, or passes through shared memory; `least` is
// what the same bytes would have taken side by side.
struct Moved {
    uint64_t instruction, memory, write, requests, units, least;
};
// One access of one thread.
struct Touch {
    uint64_t memory, write, offset, bytes, block, thread;
};

namespace {

std::vector<Warp> warps;
std::map<std::pair<uintptr_t, int>, Moved> moved;
std::vector<Moved> rows;
const size_t MOST_TOUCHES = 100000;  // that are kept; small launches, which a picture can show, have fewer
std::vector<Touch> touches;
int block = 0;
std::vector<std::vector<bool>> seen;  // by array: the sectors that were touched, read in the even places, written in the odd

void accessed(Place place, size_t bytes, bool write, uintptr_t from) {
    Instruction& instruction = warps[thread / WARP][from << 1 | write];
    size_t time = instruction.times[thread % WARP]++;
    if (time >= instruction.requests.size()) instruction.requests.push_back({place.number, bytes, {}});
    instruction.requests[time].offsets.push_back(place.offset);
    if (touches.size() < MOST_TOUCHES)
        touches.push_back({uint64_t(place.number), write, place.offset, bytes, uint64_t(block), uint64_t(thread)});
    if (!place.number) return;
    auto& touched = seen[place.number];
    for (size_t i = place.offset / SECTOR; i <= (place.offset + bytes - 1) / SECTOR; i++) {
        if (2 * i + 1 >= touched.size()) touched.resize(2 * i + 2);
        touched[2 * i + write] = true;
    }
}

// How many stretches of `size` words the words fall into; they are in order.
size_t stretches(const std::vector<size_t>& words, size_t size) {
    size_t found = 0, last = SIZE_MAX;
    for (size_t word : words)
        if (word / size != last) found++, last = word / size;
    return found;
}

void count(uintptr_t key, const Request& request) {
    static std::vector<size_t> words;
    words.clear();
    for (size_t offset : request.offsets)
        for (size_t i = offset / WORD; i <= (offset + request.bytes - 1) / WORD; i++) words.push_back(i);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    size_t banks[BANKS] = {}, together = request.number ? SECTOR / WORD : BANKS;
    for (size_t word : words) banks[word % BANKS]++;
    Moved& sum = moved[{key, request.number}];
    sum.requests++;
    sum.units += request.number ? stretches(words, together) : *std::max_element(banks, banks + BANKS);
    sum.least += (words.size() + together - 1) / together;
}

void meet(Warp& warp) {
    for (auto& [key, instruction] : warp)
        for (const Request& request : instruction.requests) count(key, request);
    warp.clear();
}

void meet_all() {
    for (Warp& warp : warps) meet(warp);
}

}  // namespace

extern "C" {
void watch_launch(const void* stacks, size_t bytes) {
    begin_launch(stacks, bytes);
    moved.clear();
    touches.clear();
    seen.assign(arrays.size() + 1, {});
}
void watch_block(int number, int threads) {
    meet_all();
    block = number;
    warps.resize((threads + WARP - 1) / WARP);
    pieces.clear();
}
void watch_barrier() { meet_all(); }
void watch_warp(int warp, bool) { meet(warps[warp]); }
const char* watch_end() {
    meet_all();
    end_launch();
    rows.clear();
    for (auto& [key, sum] : moved) {
        sum.instruction = offset_of(key.first >> 1);
        sum.write = key.first & 1;
        sum.memory = key.second;
        rows.push_back(sum);
    }
    return "";
}

// The rows of the last launch, and how many there are.
const Moved* traffic_rows(size_t* count) {
    *count = rows.size();
    return rows.data();
}
// The first accesses of the last launch, in the order in which they were made, and how many there are.
const Touch* traffic_touches(size_t* count) {
    *count = touches.size();
    return touches.data();
}
// Bytes of the sectors that a kernel has read, or written, each counted once.
uint64_t traffic_touched(int write) {
    uint64_t sectors = 0;
    for (const auto& touched : seen)
        for (size_t i = write; i < touched.size(); i += 2) sectors += touched[i];
    return sectors * SECTOR;
}
}

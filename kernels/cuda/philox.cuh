// Philox4x32-10, counter-based random numbers: see minieqt/philox.py. The same bits as there.
#pragma once

struct Words {
    unsigned word[4];
};

__device__ inline Words philox(unsigned c0, unsigned c1, unsigned c2, unsigned c3, unsigned k0, unsigned k1) {
    const unsigned M0 = 0xD2511F53u, M1 = 0xCD9E8D57u, W0 = 0x9E3779B9u, W1 = 0xBB67AE85u;
    for (int round = 0; round < 10; round++) {
        unsigned high0 = __umulhi(M0, c0), low0 = M0 * c0, high1 = __umulhi(M1, c2), low1 = M1 * c2;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += W0;
        k1 += W1;
    }
    return {{c0, c1, c2, c3}};
}

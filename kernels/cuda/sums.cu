// Partial results, one row for each block that made them, added up in order (sums.cuh). Reads G N floats, writes N.

#include "sums.cuh"

extern "C" __global__ void sum_rows(const float* rows, float* sum, int G, int N) {
    int column = my_column();
    sum_of_rows([=](int g) { return rows[size_t(g) * N + column]; }, [=](float total) { sum[column] = total; },
                column < N, G);
}

// The same of a matrix, each row of which belongs to three arrays: `a` numbers to the first, `b` to the second, and one to
// the last. The gradients of a layer's weights and bias, which weights.cuh has side by side.
extern "C" __global__ void sum_split(const float* rows, float* first, float* second, float* last, int G, int N, int a,
                                     int b) {
    int i = my_column(), row = i / (a + b + 1), column = i % (a + b + 1);
    auto write = [=](float total) {
        if (column < a)
            first[row * a + column] = total;
        else if (column < a + b)
            second[row * b + column - a] = total;
        else
            last[row] = total;
    };
    sum_of_rows([=](int g) { return rows[size_t(g) * N + i]; }, write, i < N, G);
}

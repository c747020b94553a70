// Additive attention, global or local: twin of minieqt/layers/attention.py. x (B, C, T), a (B, T, T), U hidden units.
//
// Forward: a block of 256 threads has one sequence (blockIdx.y) and `rows` of its rows (blockIdx.x; all 47 in the
// network), and keeps x, both projections and the scores e in shared memory. The T² U tanhs are never written.
// Backward: a block has a whole sequence and goes through its rows in the same portions; it projects again and computes
// each tanh twice, once for the attending step and once for the step attended to, but only where a gradient arrives:
// three steps of forty-seven in local attention.
//
//   forward     reads C T, writes C T + T² floats a sequence; 2 T² U operations and T² U exponentials and divisions
//   backward    reads 2 C T + T², writes C T, and 2 C U + 2 U floats of the parameters' gradients, added up by sums.cu
// A sequence of 47 steps takes 25 kB of shared memory forward and 45 kB backward.

#include "elementary.cuh"
#include "sums.cuh"

const int THREADS = 256, WARP = 32, WARPS = THREADS / WARP;

// Rows of `U` numbers lie U + 1 apart: lanes that look at several rows at once find them in several banks.
__device__ inline int pitch_of(int U) { return U + 1; }

// q (rows, U) = xᵀ Wt + bh for the rows from `first` on.
__device__ void project_looking(const float* x, const float* Wt, const float* bh, float* q, int first, int rows, int C,
                                int T, int U) {
    for (int i = threadIdx.x; i < rows * U; i += THREADS) {
        int t = first + i / U, u = i % U;
        float sum = bh[u];
        for (int c = 0; c < C; c++) sum += x[c * T + t] * Wt[c * U + u];
        q[i / U * pitch_of(U) + u] = sum;
    }
}

// k (U, T) = (xᵀ Wx)ᵀ.
__device__ void project_looked_at(const float* x, const float* Wx, float* k, int C, int T, int U) {
    for (int i = threadIdx.x; i < U * T; i += THREADS) {
        int u = i / T, s = i % T;
        float sum = 0;
        for (int c = 0; c < C; c++) sum += x[c * T + s] * Wx[c * U + u];
        k[i] = sum;
    }
}

extern "C" __global__ void attention_forward(const float* x, const float* Wt, const float* Wx, const float* bh,
                                             const float* Wa, const float* ba, int width, float eps, float* y, float* a,
                                             int* largest, int C, int T, int U, int most_rows) {
    int first = blockIdx.x * most_rows, rows = min(most_rows, T - first);
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    x += size_t(blockIdx.y) * C * T;
    y += size_t(blockIdx.y) * C * T;
    a += (size_t(blockIdx.y) * T + first) * T;
    largest += size_t(blockIdx.y) * T + first;
    Shared shared;
    float* steps = shared.take<float>(C * T);      // x
    float* k = shared.take<float>(U * T);          // [unit][step attended to]
    float* q = shared.take<float>(most_rows * pitch_of(U));  // [row][unit]
    float* e = shared.take<float>(most_rows * T);  // scores, then weights
    for (int i = threadIdx.x; i < C * T; i += THREADS) steps[i] = x[i];
    __syncthreads();
    project_looking(steps, Wt, bh, q, first, rows, C, T, U);
    project_looked_at(steps, Wx, k, C, T, U);
    __syncthreads();
    for (int i = threadIdx.x; i < rows * T; i += THREADS) {
        const float *looking = q + i / T * pitch_of(U), *looked_at = k + i % T;
        float score = ba[0];
        for (int u = 0; u < U; u++) score += Wa[u] * tanh_of(looking[u] + looked_at[u * T]);
        e[i] = score;
    }
    __syncthreads();
    for (int r = warp; r < rows; r += WARPS) {  // one warp per row
        float* row = e + r * T;
        float highest = LOWEST;
        int where = 0;
        for (int s = lane; s < T; s += WARP)
            if (row[s] > highest) highest = row[s], where = s;
        for (int by = WARP / 2; by > 0; by /= 2) {  // the first of equals, as argmax has it
            float other = __shfl_xor_sync(0xffffffffu, highest, by);
            int there = __shfl_xor_sync(0xffffffffu, where, by);
            if (other > highest || (other == highest && there < where)) highest = other, where = there;
        }
        int begin = max(first + r - width / 2, 0), end = min(first + r - width / 2 + width, T);
        float sum = 0;
        for (int s = lane; s < T; s += WARP) {
            row[s] = begin <= s && s < end ? __expf(row[s] - highest) : 0.0f;
            sum += row[s];
        }
        sum = warp_sum(sum) + eps;
        for (int s = lane; s < T; s += WARP) {
            row[s] /= sum;
            a[r * T + s] = row[s];
        }
        if (lane == 0) largest[r] = where;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < C * rows; i += THREADS) {
        int c = i / rows, r = i % rows;
        float sum = 0;
        for (int s = 0; s < T; s++) sum += e[r * T + s] * steps[c * T + s];
        y[c * T + first + r] = sum;
    }
}

// partial (B, 2 C U + 2 U): a sequence's part of dWt, dWx, dbh and dWa. ba has none: the weights do not change when all
// scores of a row rise by the same amount.
extern "C" __global__ void attention_backward(const float* dy, const float* x, const float* Wt, const float* Wx,
                                              const float* bh, const float* Wa, const float* a, const int* largest,
                                              float* dx, float* partial, int C, int T, int U, int most_rows) {
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    int pitch = pitch_of(U);
    size_t n = blockIdx.x;
    dy += n * C * T;
    x += n * C * T;
    dx += n * C * T;
    a += n * T * T;
    largest += n * T;
    float *dWt = partial + n * (2 * C * U + 2 * U), *dWx = dWt + C * U, *dbh = dWx + C * U, *dWa = dbh + U;
    Shared shared;
    float* steps = shared.take<float>(C * T);
    float* dsteps = shared.take<float>(C * T);
    float* k = shared.take<float>(U * T);
    float* dk = shared.take<float>(U * T);
    float* q = shared.take<float>(most_rows * pitch);
    float* dq = shared.take<float>(most_rows * pitch);
    float* dh = shared.take<float>(most_rows * U);  // Σ de h, what Wa's gradient is made of
    float* de = shared.take<float>(most_rows * T);
    for (int i = threadIdx.x; i < C * T; i += THREADS) steps[i] = x[i], dsteps[i] = 0;
    __syncthreads();
    project_looked_at(steps, Wx, k, C, T, U);
    for (int i = threadIdx.x; i < U * T; i += THREADS) dk[i] = 0;

    for (int first = 0; first < T; first += most_rows) {
        int rows = min(most_rows, T - first);
        project_looking(steps, Wt, bh, q, first, rows, C, T, U);
        for (int i = threadIdx.x; i < rows * T; i += THREADS) {  // da, the gradient of the weights
            float sum = 0;
            for (int c = 0; c < C; c++) sum += dy[c * T + first + i / T] * steps[c * T + i % T];
            de[i] = sum;
        }
        __syncthreads();
        for (int r = warp; r < rows; r += WARPS) {
            float* row = de + r * T;
            const float* weights = a + size_t(first + r) * T;
            float mean = 0, through_maximum = 0;
            for (int s = lane; s < T; s += WARP) mean += row[s] * weights[s];
            mean = warp_sum(mean);
            for (int s = lane; s < T; s += WARP) {
                row[s] = (row[s] - mean) * weights[s];
                through_maximum += row[s];
            }
            through_maximum = warp_sum(through_maximum);
            __syncwarp();
            if (lane == 0) row[largest[first + r]] -= through_maximum;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < rows * U; i += THREADS) {  // the attending step: over all steps it attends to
            int u = i % U;
            const float* row = de + i / U * T;
            float slope = 0, height = 0;
            for (int s = 0; s < T; s++)
                if (row[s] != 0) {
                    float h = tanh_of(q[i / U * pitch + u] + k[u * T + s]);
                    height += row[s] * h;
                    slope += row[s] * (1 - h * h);
                }
            dq[i / U * pitch + u] = Wa[u] * slope;
            dh[i] = height;
        }
        for (int i = threadIdx.x; i < U * T; i += THREADS) {  // the step attended to: over all steps that attend to it
            int u = i / T, s = i % T;
            float slope = 0;
            for (int r = 0; r < rows; r++)
                if (de[r * T + s] != 0) {
                    float h = tanh_of(q[r * pitch + u] + k[i]);
                    slope += de[r * T + s] * (1 - h * h);
                }
            dk[i] += Wa[u] * slope;
        }
        for (int i = threadIdx.x; i < C * T; i += THREADS) {  // y = Σ a x: what goes straight to x
            int c = i / T, s = i % T;
            float sum = 0;
            for (int r = 0; r < rows; r++) sum += dy[c * T + first + r] * a[size_t(first + r) * T + s];
            dsteps[i] += sum;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < C * rows; i += THREADS) {  // and what comes through the projection
            int c = i / rows, r = i % rows;
            float sum = 0;
            for (int u = 0; u < U; u++) sum += Wt[c * U + u] * dq[r * pitch + u];
            dsteps[c * T + first + r] += sum;
        }
        for (int i = threadIdx.x; i < C * U; i += THREADS) {
            int c = i / U, u = i % U;
            float sum = 0;
            for (int r = 0; r < rows; r++) sum += steps[c * T + first + r] * dq[r * pitch + u];
            dWt[i] = first ? dWt[i] + sum : sum;
        }
        for (int u = threadIdx.x; u < U; u += THREADS) {
            float of_bh = 0, of_Wa = 0;
            for (int r = 0; r < rows; r++) of_bh += dq[r * pitch + u], of_Wa += dh[r * U + u];
            dbh[u] = first ? dbh[u] + of_bh : of_bh;
            dWa[u] = first ? dWa[u] + of_Wa : of_Wa;
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < C * U; i += THREADS) {
        int c = i / U, u = i % U;
        float sum = 0;
        for (int s = 0; s < T; s++) sum += steps[c * T + s] * dk[u * T + s];
        dWx[i] = sum;
    }
    for (int i = threadIdx.x; i < C * T; i += THREADS) {
        int c = i / T, s = i % T;
        float sum = dsteps[i];
        for (int u = 0; u < U; u++) sum += Wx[c * U + u] * dk[u * T + s];
        dx[i] = sum;
    }
}

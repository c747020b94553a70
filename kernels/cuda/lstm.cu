// LSTM, one direction or both: twin of minieqt/layers/lstm.py. x (B, C, T), y (B, D H, T), gates and dz (B, D, T, 4H),
// c (B, D, T, H): the last two count a direction's own time. Masks (B, D, C) and (B, D, H), or null.
//
// A block has one direction of one sequence (blockIdx.x sequence, .y direction) and keeps it from the first step to the
// last: 4H threads, one per row of gates. A thread holds its row of U in registers (H = 16, as the network has it; other
// sizes read it from shared memory). A step is a product of U with the state, a barrier, the cells, a barrier: it is
// limited by their latency, not by throughput, and 2 B = 400 sequences hide each other's waits.
//
//   forward     W x + b for 8 steps at a time, in registers; reads C T floats per sequence and writes 6 H T
//   backward    thread (q, k) has gate q of cell k, and a quarter of the sum over U that goes to cell k's state; the
//               numbers of the next step are read while this one is computed; reads 6 H T, writes 4 H T
//   weights     dW, dU and db are one product over all steps and sequences (weights.cuh): the columns are the inputs,
//               then the states before the step, then ones
//   dx          a convolution of one tap over the dz of each direction, one after the other (correlate.cuh)
// Operations: 2 · 4H (C + H) T forward, twice as many backward.

#include "elementary.cuh"
#include "weights.cuh"

const int STEPS = 8, HARD = 1;

__device__ inline float gate_of(float z, int gate) {
    return gate == HARD ? fminf(fmaxf(0.2f * z + 0.5f, 0.0f), 1.0f) : sigmoid_of(z);
}

__device__ inline float gate_gradient(float dy, float y, int gate) {
    return gate == HARD ? (y > 0 && y < 1 ? 0.2f * dy : 0.0f) : dy * y * (1 - y);
}

// A direction's own step -> the sequence's time, and back.
__device__ inline int turned(int t, int direction, int T) { return direction ? T - 1 - t : t; }

// UNITS: the cells, known when it is compiled, or 0.
template <int UNITS>
__device__ void run_sequence(const float* x, const float* W, const float* U, const float* b, const float* input_mask,
                             const float* state_mask, int gate, float* y, float* gates, float* cells, int C, int T,
                             int H_) {
    const int H = UNITS ? UNITS : H_, D = gridDim.y, n = blockIdx.x, d = blockIdx.y, j = threadIdx.x;
    const bool row = j < 4 * H;
    const int pitch = 4 * H + 1;  // neighbouring channels in neighbouring banks, while the weights are transposed
    size_t sequence = size_t(n) * D + d;
    Shared shared;
    float* weights = shared.take<float>(C * pitch);            // [channel][gate row]
    float* inputs = shared.take<float>(C * STEPS);             // [channel][step]
    float* state = shared.take<float>(H);                      // h, after dropout
    float* values = shared.take<float>(4 * H);                 // this step's gates
    float* recurrent = shared.take<float>(UNITS ? 0 : H * 4 * H);  // [cell][gate row]
    float u[UNITS ? UNITS : 1];
    for (int i = j; i < C * 4 * H; i += blockDim.x) weights[i % C * pitch + i / C] = W[size_t(d) * 4 * H * C + i];
    if (!UNITS)
        for (int i = j; i < 4 * H * H; i += blockDim.x) recurrent[i % H * 4 * H + i / H] = U[size_t(d) * 4 * H * H + i];
    for (int k = 0; k < UNITS; k++) u[k] = row ? U[(size_t(d) * 4 * H + j) * H + k] : 0.0f;
    if (j < H) state[j] = 0;

    float cell = 0, keep = j < H && state_mask ? state_mask[sequence * H + j] : 1.0f;
    for (int first = 0; first < T; first += STEPS) {  // the steps' barriers are between it and the inputs before
        for (int i = j; i < C * STEPS; i += blockDim.x) {
            int channel = i / STEPS, t = first + i % STEPS;
            float factor = input_mask ? input_mask[sequence * C + channel] : 1.0f;
            inputs[i] = t < T ? factor * x[(size_t(n) * C + channel) * T + turned(t, d, T)] : 0.0f;
        }
        __syncthreads();
        float z[STEPS];
#pragma unroll
        for (int s = 0; s < STEPS; s++) z[s] = row ? b[d * 4 * H + j] : 0.0f;
        if (row)
            for (int c = 0; c < C; c++) {
                float weight = weights[c * pitch + j];
#pragma unroll
                for (int s = 0; s < STEPS; s++) z[s] += weight * inputs[c * STEPS + s];
            }
#pragma unroll
        for (int s = 0; s < STEPS; s++) {
            int t = first + s;
            if (t >= T) break;  // the same for all threads
            if (row) {
#pragma unroll
                for (int k = 0; k < UNITS; k++) z[s] += u[k] * state[k];
                if (!UNITS)
                    for (int k = 0; k < H; k++) z[s] += recurrent[k * 4 * H + j] * state[k];
                values[j] = j / H == 2 ? tanh_of(z[s]) : gate_of(z[s], gate);
                if (gates) gates[(sequence * T + t) * 4 * H + j] = values[j];
            }
            __syncthreads();
            if (j < H) {
                cell = values[H + j] * cell + values[j] * values[2 * H + j];
                float h = values[3 * H + j] * tanh_of(cell);
                state[j] = keep * h;
                if (cells) cells[(sequence * T + t) * H + j] = cell;
                y[(size_t(n) * D * H + d * H + j) * T + turned(t, d, T)] = h;
            }
            __syncthreads();
        }
    }
}

extern "C" __global__ void lstm_forward(const float* x, const float* W, const float* U, const float* b,
                                        const float* input_mask, const float* state_mask, int gate, float* y,
                                        float* gates, float* cells, int C, int T, int H) {
    if (H == 16)
        run_sequence<16>(x, W, U, b, input_mask, state_mask, gate, y, gates, cells, C, T, H);
    else
        run_sequence<0>(x, W, U, b, input_mask, state_mask, gate, y, gates, cells, C, T, H);
}

// What a step of backward reads of one cell.
struct Step {
    float i, f, g, o, before, arriving;  // gates, the cell before the step, dh from above
};

template <int UNITS>
__device__ void run_back(const float* dy, const float* U, const float* state_mask, int gate, const float* gates,
                         const float* cells, float* dz, int T, int H_) {
    const int H = UNITS ? UNITS : H_, D = gridDim.y, n = blockIdx.x, d = blockIdx.y, j = threadIdx.x;
    const bool row = j < 4 * H;
    const int q = row ? j / H : 0, k = j % H;
    size_t sequence = size_t(n) * D + d;
    Shared shared;
    float* gradients = shared.take<float>(4 * H);                  // this step's dz
    float* parts = shared.take<float>(4 * H);                      // of what goes to each cell's state, by gate
    float* recurrent = shared.take<float>(UNITS ? 0 : 4 * H * H);  // [gate row][cell]
    float u[UNITS ? UNITS : 1];
    if (!UNITS)
        for (int i = j; i < 4 * H * H; i += blockDim.x) recurrent[i] = U[size_t(d) * 4 * H * H + i];
    for (int r = 0; r < UNITS; r++) u[r] = row ? U[(size_t(d) * 4 * H + q * H + r) * H + k] : 0.0f;
    if (row) parts[j] = 0;
    __syncthreads();

    auto read = [=](int t) {
        const float* gate_row = gates + (sequence * T + t) * 4 * H + k;
        float before = t ? cells[(sequence * T + t - 1) * H + k] : 0.0f;
        float arriving = dy[(size_t(n) * D * H + d * H + k) * T + turned(t, d, T)];
        return Step{gate_row[0], gate_row[H], gate_row[2 * H], gate_row[3 * H], before, arriving};
    };
    float keep = state_mask ? state_mask[sequence * H + k] : 1.0f;
    float cell = cells[(sequence * T + T - 1) * H + k], dc = 0;
    Step now = read(T - 1);
    for (int t = T - 1; t >= 0; t--) {
        Step next = read(max(t - 1, 0));
        if (row) {
            float dh = now.arriving + keep * (parts[k] + parts[H + k] + parts[2 * H + k] + parts[3 * H + k]);
            float tanh_c = tanh_of(cell);
            dc += dh * now.o * (1 - tanh_c * tanh_c);
            float value;
            if (q == 0)
                value = gate_gradient(dc * now.g, now.i, gate);
            else if (q == 1)
                value = gate_gradient(dc * now.before, now.f, gate);
            else if (q == 2)
                value = dc * now.i * (1 - now.g * now.g);
            else
                value = gate_gradient(dh * tanh_c, now.o, gate);
            gradients[j] = value;
            dz[(sequence * T + t) * 4 * H + j] = value;
        }
        __syncthreads();
        if (row) {
            float sum = 0;
#pragma unroll
            for (int r = 0; r < UNITS; r++) sum += u[r] * gradients[q * H + r];
            if (!UNITS)
                for (int r = 0; r < H; r++) sum += recurrent[(q * H + r) * H + k] * gradients[q * H + r];
            parts[j] = sum;
        }
        __syncthreads();
        dc *= now.f;
        cell = now.before;
        now = next;
    }
}

extern "C" __global__ void lstm_backward(const float* dy, const float* U, const float* state_mask, int gate,
                                         const float* gates, const float* cells, float* dz, int T, int H) {
    if (H == 16)
        run_back<16>(dy, U, state_mask, gate, gates, cells, dz, T, H);
    else
        run_back<0>(dy, U, state_mask, gate, gates, cells, dz, T, H);
}

// Of direction d; the second adds to what the first has left.
extern "C" __global__ void __launch_bounds__(THREADS)
    lstm_input_gradient(const float* weights, const float* dz, const float* input_mask, float* dx, int C, int D, int H,
                        int T, int d, int chunk) {
    size_t n = blockIdx.y, sequence = n * D + d;
    dx += n * C * T;
    correlate(
        weights,
        [=](int row) {
            return [=](int t) {
                return 0 <= t && t < T ? dz[(sequence * T + turned(t, d, T)) * 4 * H + row] : 0.0f;
            };
        },
        [=](int c) {
            float factor = input_mask && c < C ? input_mask[sequence * C + c] : 1.0f;
            return [=](int t, float sum) {
                if (c < C && t < T) dx[c * T + t] = d ? dx[c * T + t] + factor * sum : factor * sum;
            };
        },
        4 * H, C, 1, 0, T, chunk);
}

// Of one direction d: columns are the C inputs and the H states before the step.
extern "C" __global__ void __launch_bounds__(GRADIENT_THREADS, 2)
    lstm_weight_gradient(const float* dz, const float* x, const float* y, const float* input_mask,
                         const float* state_mask, float* partial, int B, int C, int D, int H, int T, int d, int width,
                         int rows_of_x) {
    weight_gradient(
        [=](int n, int row) {
            return [=](int t) {
                return t < T ? dz[((size_t(n) * D + d) * T + t) * 4 * H + row] : 0.0f;
            };
        },
        [=](int n, int column) {
            size_t sequence = size_t(n) * D + d;
            bool of_x = column < C;  // else of the states, a step before
            int k = of_x ? column : column - C;
            const float* mask = of_x ? input_mask : state_mask;
            const float* row = of_x ? x + (size_t(n) * C + k) * T : y + (size_t(n) * D * H + d * H + k) * T;
            float factor = mask ? mask[sequence * (of_x ? C : H) + k] : 1.0f;
            int before = of_x ? 0 : 1;
            return [=](int t) { return before <= t && t < T ? factor * row[turned(t - before, d, T)] : 0.0f; };
        },
        partial, B, C + H, 4 * H, 1, 0, T, width, rows_of_x);
}

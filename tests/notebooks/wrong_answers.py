"""What a student might well say, and a part of what `check` must answer: {exercise: [(wrong answer, reason)]}."""

from __future__ import annotations

import numpy as np

from minieqt.inference.peaks import peaks
from minieqt.layers.conv1d import conv1d_forward


def _recur_backward_around_the_end(dh, x, h, w, u):
    """As the worked answer, but for the first step's h[t - 1]."""
    dw = du = dh_next = 0.0
    for t in reversed(range(len(x))):
        dz = (dh[t] + dh_next) * (1 - h[t] ** 2)
        dw += dz * x[t]
        du += dz * h[t - 1]
        dh_next = dz * u
    return dw, du


def _highest_of_the_best_thresholds(scores, earthquake):
    found = scores >= np.array(sorted(set(scores)))[:, None]
    right = (found & earthquake).sum(axis=1)
    f1 = 2 * right / (found.sum(axis=1) + earthquake.sum())
    return sorted(set(scores))[len(f1) - 1 - int(np.argmax(f1[::-1]))]


def _taps_at_once(begin=lambda b: b, taps=5):
    def answer(rows, W, b, y):
        for n, o in np.ndindex(y.shape[:2]):
            y[n, o] = begin(b[o])
            for c in range(W.shape[1]):
                y[n, o] += sum(W[o, c, k] * rows[n, c, k : k + y.shape[2]] for k in range(taps))
        return y

    return answer


def _ring(arrives=lambda r, s: r - s - 1, sends=lambda r, s: r + 1 - s, copies=lambda r, s: r - s):
    def answer(vectors, note=lambda chunks: None):
        N = len(vectors)
        chunks = [np.array_split(vector.copy(), N) for vector in vectors]
        for index, sent, add in ((arrives, lambda r, s: r - s, 1), (copies, sends, 0)):
            for s in range(N - 1):
                messages = [chunks[r][sent(r, s) % N].copy() for r in range(N)]
                for r in range(N):
                    chunks[r][index(r, s) % N] = add * chunks[r][index(r, s) % N] + messages[r - 1]
                note(chunks)
        return [np.concatenate(chunk) for chunk in chunks], None

    return answer


def _rank(share=lambda count, total: count / total, adds=lambda r, s: r - s - 1, sends=lambda r, s: r + 1 - s):
    def answer(r, N, vector, count, total, left, right):
        vector *= share(count, total)
        chunk = np.array_split(vector, N)
        for s in range(N - 1):
            right.put(chunk[(r - s) % N].copy())
            chunk[adds(r, s) % N] += left.get()
        for s in range(N - 1):
            right.put(chunk[sends(r, s) % N].copy())
            chunk[(r - s) % N][:] = left.get()
        return vector

    return answer


def _rank_without_a_ring(r, N, vector, count, total, left, right):
    vector *= count / total
    chunk = np.array_split(vector, N)
    for s in range(N - 1):
        right.put(chunk[r - s].copy())
        chunk[r - s - 1] += left.get()
    for s in range(N - 1):
        right.put(chunk[r + 1 - s].copy())
        chunk[r - s][:] = left.get()
    return vector


def _rank_that_only_listens(r, N, vector, count, total, left, right):
    vector += left.get()
    return vector


def _stage(begin=lambda b: b, bend=lambda y: np.maximum(y, 0), pool=np.maximum):
    def answer(rows, W, b, y):
        z = np.zeros((*y.shape[:2], 2 * y.shape[2]))
        T = rows.shape[2] - W.shape[2] + 1
        for k in range(W.shape[2]):
            z[:, :, :T] += W[:, :, k] @ rows[:, :, k : k + T]
        z[:, :, :T] += begin(b)[:, None]
        y[...] = bend(pool(z[:, :, ::2], z[:, :, 1::2]))
        return y

    return answer


def _groups(first=1, counted=set):
    def answer(times, stations, gap, least):
        groups = np.split(np.arange(len(times)), np.flatnonzero(np.diff(times) > gap) + first)
        return [float(np.median(times[group])) for group in groups if len(counted(stations[group])) >= least]

    return answer


def _thinned(order):
    def answer(curve, threshold, apart):
        samples, heights = peaks(curve, threshold)
        kept = []
        for n in samples[order(heights)]:
            if all(abs(n - other) >= apart for other in kept):
                kept.append(n)
        return kept

    return answer


def _without_higher_neighbours(curve, threshold, apart):
    found = list(zip(*peaks(curve, threshold), strict=True))
    return [n for n, high in found if not any(0 < abs(n - m) < apart and other > high for m, other in found)]


def _adam(power=2, root=np.sqrt, correction=lambda t: np.sqrt(1 - 0.999**t) / (1 - 0.9**t), sign=1):
    def answer(g, m, v, t, rate):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**power
        return m, v, sign * rate * correction(t) * m / (root(v) + 1e-7)

    return answer


def _allowed(coda=lambda coda_end, by: coda_end + by, behind=20, again=0):
    def answer(p, s, coda_end, by, second_start):
        fits = second_start == 0 or coda(coda_end, by) <= second_start < 6000 - (s - p) - behind - again * by
        return coda_end + by <= 6000 and fits

    return answer


def _turned(radians=lambda angle: angle, order=(0, 1, 2)):
    def answer(x, angle):
        (e, n, z), c, s = x, np.cos(radians(angle)), np.sin(radians(angle))
        return np.stack([e * c - n * s, n * c + e * s, z])[list(order)] if angle else x

    return answer


def _shifted_in_place(x, by):
    x[:, by:] = x[:, : x.shape[1] - by].copy()
    x[:, :by] = 0
    return x


def _rotate_beyond_the_end(x, arrivals, by):
    y = np.empty_like(x)
    for t in range(x.shape[-1]):
        y[:, t + by] = x[:, t]
    return y, arrivals + by


WRONG_ANSWERS = {
    "seismogram.pick_by_eye": [
        ((2860, 3530), "not in samples"),
        ((28.6, 36.2), "your S is 0.9 s late"),
        ((27.6, 35.3), "your P is 1.0 s early"),
    ],
    "seismogram.distance": [
        (lambda p, s, vp=6.0, vs=3.5: (s - p) / (1 / vs - 1 / vp), "hundredths of a second"),
        (lambda p, s, vp=6.0, vs=3.5: (s - p) / 100 * vp, "the distance for S - P = 1 s is off"),
        (lambda p, s, vp=6.0, vs=3.5: (s - p) / 100 * 8.4, "for other speeds"),
    ],
    "seismogram.triangle": [
        (lambda arrival, T: 1 - abs(np.arange(T) - arrival) / 20, "below zero"),
        (lambda arrival, T: np.maximum(0, 1 - abs(np.arange(T) - arrival) / 10), "off by up to"),
    ],
    "seismogram.snr_db": [
        (lambda x, p, s: 10 * np.log10(x[:, 1500:2000].std(axis=1) / x[:, 500:1000].std(axis=1)), "one of powers"),
        (lambda x, p, s: 20 * np.log10(x[:, 1500:2000].std() / x[:, 500:1000].std()), "each component"),
    ],
    "backpropagation.softplus_backward": [
        (lambda dy, y: dy / (1 + np.exp(-y)), "the sigmoid of y"),
        (lambda dy, y: 1 - np.exp(-y), "multiply it by the dy"),
    ],
    "backpropagation.scale_backward": [
        (lambda dy, x, g: (dy * g[:, None], (dy * x).sum(axis=0)), "a number for each channel"),
        (lambda dy, x, g: (dy, (dy * x).sum(axis=(0, 2))), "dx is off"),
    ],
    "backpropagation.demean_backward": [
        (lambda dy: dy, "that is dy itself"),
        (lambda dy: dy - dy.mean(), "the mean along the last axis"),
        (lambda dy: 2 * (dy - dy.mean(axis=-1, keepdims=True)), "twice the right one"),
    ],
    "backpropagation.numerical_gradient": [
        (lambda value, array, eps: np.full(array.shape, value()), "the gradient is off"),
        (lambda value, array, eps: array.__iadd__(eps), "put every element back"),
    ],
    "convolution.receptive_field": [
        (sum, "27 counts the centre three times"),
        (lambda kernels: 1 + sum(kernels), "11 samples, not 12"),
        (lambda kernels: 1 + sum(K // 2 * 2 for K in kernels), "two taps see 5"),
    ],
    "convolution.multiplications": [
        (lambda C, O, K, T: O * K * T, "a loop of their own"),
        (lambda C, O, K, T: 2 * C * O * K * T, "counts the additions"),
    ],
    "convolution.as_matrix": [
        (lambda w, T: sum(w[k] * np.eye(T, k=(len(w) - 1) // 2 - k) for k in range(len(w))), "the transpose"),
        (lambda w, T: np.eye(T), "M x for 3 taps"),
        (lambda w, T: w, "has shape (3,)"),
    ],
    "convolution.dilated": [
        (lambda x, W, d: conv1d_forward(x, W, np.zeros(4))[0], "y for d = 2 is off"),
        (lambda x, W, d: x, "y for d = 1 has shape"),
    ],
    "pooling.pooled_length": [
        (lambda T, stages: T >> stages, "an odd one is kept"),
        (lambda T, stages: T // 2, "halved four times are 375"),
    ],
    "pooling.meanpool_backward": [
        (lambda dy: np.repeat(dy, 2, axis=2), "where is the factor?"),
        (lambda dy: dy / 2, "wanted (2, 3, 8)"),
    ],
    "pooling.reach": [
        (lambda kernels: sum(kernels), "sees 12 samples, not 11"),
        (lambda kernels: 2 + sum(K - 1 for K in kernels), "= 30 samples, not 20"),
    ],
    "pooling.is_adjoint": [
        (lambda forward, backward, x_shape, y_shape: True, "forgets every second sample"),
        (
            lambda forward, backward, x_shape, y_shape: bool(
                np.isclose(forward(np.ones(x_shape)).sum(), backward(np.ones(y_shape)).sum())
            ),
            "are x and y random?",
        ),
    ],
    "normalisation.evaluation_backward": [
        (lambda dy, gamma, variance, eps: dy - dy.mean(axis=(0, 2), keepdims=True), "no mean is taken off"),
        (lambda dy, gamma, variance, eps: dy / np.sqrt(variance + eps)[:, None], "dx is off"),
    ],
    "normalisation.fold": [
        (lambda W, b, gamma, beta, mean, variance, eps: (W * gamma / np.sqrt(variance + eps), b), "the output is off"),
        (lambda W, b, gamma, beta, mean, variance, eps: (W, b), "the new W is off"),
    ],
    "normalisation.followed_mean": [
        (lambda means, momentum: float(np.mean(means)), "after one batch of mean 5"),
        (lambda means, momentum: means[0] * (1 - momentum), "after twenty batches"),
    ],
    "normalisation.dropped_mean_and_variance": [
        (lambda x, q: (x, x**2 / (1 - q)), "take the square of the mean off"),
        (lambda x, q: (x * (1 - q), 0.0), "the mean is off"),
    ],
    "residual.residual_backward": [
        (lambda dy, f_backward, g_backward: g_backward(f_backward(dy)), "straight into the sum"),
        (lambda dy, f_backward, g_backward: dy + f_backward(g_backward(dy)), "meets f first"),
        (lambda dy, f_backward, g_backward: dy, "dx is off"),
    ],
    "residual.block_parameters": [
        (lambda C, K: 2 * C + C * C * K + C, "two halves"),
        (lambda C, K: 2 * C * C * K, "parameters, not 24,576"),
    ],
    "residual.gradient_sizes": [
        (lambda depth: (0.5**depth, 1.0), "the residual chain's, for depth 1"),
        (lambda depth: (0.5, 1.5), "the plain chain's, for depth 7"),
    ],
    "lstm.lstm_parameters": [
        (lambda C, H, D: D * 4 * H * (C + H + 2), "two biases"),
        (lambda C, H, D: D * H * (C + H + 1), "four blocks"),
        (lambda C, H, D: D * 4 * H * (C + H), "parameters, not 10,240"),
    ],
    "lstm.half_life": [(lambda f: 1 / (1 - f), "the half-life of f = 0.5"), (lambda f: 2 * f, "of f = 0.95")],
    "lstm.recur_backward": [
        (lambda dh, x, h, w, u: ((dh * (1 - h**2) * x).sum(), 0.0), "dw is off"),  # nothing goes back in time
        (_recur_backward_around_the_end, "h[-1] is the last one"),
    ],
    "attention.softmax_backward": [(lambda da, a: da * a, "each of them feels it"), (lambda da, a: da, "de is off")],
    "attention.row_sum": [
        (lambda e, keep: 1.0, "before the band is cut out"),
        (lambda e, keep: float(keep.sum()), "the sum without a band"),
    ],
    "attention.tanh_of_pairs": [
        (lambda u, v: np.tanh(u + v), "wanted (4, 4, 3)"),
        (lambda u, v: np.tanh(u[None] + v[:, None]), "v to the second"),
    ],
    "attention.knows_order": [
        (lambda width: True, "swapped steps give swapped outputs"),
        (lambda width: False, "knows who its neighbours are"),
    ],
    "network.blind_loss": [
        (lambda share: -share * np.log(share) * (2 if share == 0.5 else 1), "surprise a little, too"),
        (lambda share: share, "for a share of one half"),
    ],
    "network.stable": [
        (lambda z: np.log(1 + np.exp(z)), "more than a float64 can hold"),
        (lambda z: np.maximum(z, 0), "log(1 + e^z) is off"),
    ],
    "network.at_the_fork": [
        (lambda ddetection, dp, ds: ddetection + dp + ds, "each branch has its weight"),
        (lambda ddetection, dp, ds: dp, "the gradient is off"),
    ],
    "network.released_parameters": [
        (lambda: 376_423 - 32, "a scale and an offset"),
        (lambda: 371_639, "not 371,639"),
    ],
    "training.adam_by_hand": [
        (_adam(power=1), "a mean of the squares"),
        (_adam(correction=lambda t: 1.0), "step 1 is off"),
        (_adam(root=lambda v: v), "step 1 is off"),
        (_adam(sign=-1), "its sign is the slope's"),
    ],
    "training.first_step": [
        (lambda g, rate: rate * g, "plain descent"),
        (lambda g, rate: rate, "for a slope of -0.001"),
    ],
    "training.clipped": [
        (lambda gradient, largest: gradient * largest / np.linalg.norm(gradient), "shorter than 10"),
        (lambda gradient, largest: np.clip(gradient, -largest, largest), "[3, 4] shortened to 1"),
    ],
    "training.stop_at": [
        (lambda losses, patience: len(losses), "with patience 3 stop after 4 epochs, not 5"),
        (lambda losses, patience: min(4, len(losses)), "stop after 7 epochs, not 4"),
    ],
    "training.warmed_up": [
        (lambda epoch, base, warm: base * min(1, epoch / warm), "is wasted"),
        (lambda epoch, base, warm: base, "the schedule is off"),
    ],
    "augmentation.rotate": [
        (lambda x, arrivals, by: (np.roll(x, -by, axis=-1), arrivals + by), "goes to the left"),
        (lambda x, arrivals, by: (np.roll(x, by, axis=-1), arrivals), "the arrivals stay where they were"),
        (lambda x, arrivals, by: (np.roll(x, by, axis=-1), arrivals - by), "the arrivals go to the left"),
        (_rotate_beyond_the_end, "it raised IndexError"),
    ],
    "augmentation.off_place": [
        (lambda picks, place: picks - place, "returns every 128 samples"),
        (lambda picks, place: (picks - place) % 128, "is -10, not 118"),
        (lambda picks, place: abs((picks - place + 64) % 128 - 64), "below 0"),
        (lambda picks, place: (picks - place + 64) // 128, "are from place 100"),
    ],
    "augmentation.shift_with_zeros": [
        (lambda x, by: np.roll(x, by, axis=-1), "that rotates"),
        (lambda x, by: np.concatenate([x[:, by:], np.zeros((3, by))], axis=1), "goes to the left"),
        (_shifted_in_place, "must stay as it is"),
    ],
    "augmentation.chance_without_z": [
        (lambda rate: rate / 2, "four of them hold Z"),
        (lambda rate: rate / 3, "for a rate of 0.5 is off"),
        (lambda rate: rate * 4 / 7, "in how many is it missing"),
        (lambda rate: rate * 3 / 8, "seven, and not eight"),
        (lambda rate: 3 / 7, "how often are they"),
    ],
    "augmentation.unnoticed": [
        (lambda by, tolerance: abs(by) <= tolerance, "1280 samples are ten steps"),
        (lambda by, tolerance: by % 128 <= tolerance, "10 samples after P"),
        (lambda by, tolerance: (by + 64) % 128 - 64 <= tolerance, "64 samples are half a step"),
    ],
    "augmentation.turned": [
        (_turned(np.radians), "in radians"),
        (_turned(order=[1, 0, 2]), "east and north are exchanged"),
        (lambda x, angle: x, "a quarter turn is off"),
        (_turned(np.negative), "the sign of the angle"),
    ],
    "augmentation.allowed": [
        (lambda p, s, coda_end, by, second_start: coda_end + by <= 6000, "at 3500 the second event is in it"),
        (_allowed(coda=lambda coda_end, by: coda_end), "at 3500 the second event is in it"),
        (_allowed(behind=0), "half of its label is cut off"),
        (_allowed(again=1), "by does not count again"),
        (lambda p, s, coda_end, by, second_start: coda_end + by <= second_start, "where nothing happens"),
    ],
    "kernels.operations_per_byte": [
        (lambda B, C, O, K, T: B * O * T * C * K / (4 * (B * C * T + O * C * K + B * O * T)), "two operations"),
        (lambda B, C, O, K, T: 2 * B * O * T * C * K / (B * C * T + O * C * K + B * O * T), "four bytes"),
    ],
    "kernels.least_seconds": [
        (lambda operations, bytes_, peak, bandwidth: operations / peak + bytes_ / bandwidth, "do not add up"),
        (lambda operations, bytes_, peak, bandwidth: operations / peak, "where memory decides"),
    ],
    "kernels.best_tile": [
        (lambda registers: (registers, 1), "do not fit 16 registers"),
        (lambda registers: (1, 1), "multiply-adds a load"),
        (lambda registers: (3, 3) if registers == 16 else (5, 5), "has 1.71 multiply-adds"),
    ],
    "kernels.pool_kernel": [
        (lambda x, y: x[:, :, ::2], "y is off"),
        (lambda x, y: np.maximum.reduceat(x, list(range(0, 8, 2)), axis=2), "Numba cannot compile it"),
    ],
    "kernels.taps_at_once": [
        (_taps_at_once(begin=lambda b: 0), "the bias is missing"),
        (_taps_at_once(taps=4), "y is off by up to"),
        (_taps_at_once(begin=lambda b: np.nan), "does each row begin with its bias?"),
    ],
    "parallel.ring": [
        (_ring(arrives=lambda r, s: r - s), "after the first round rank r's chunk r + 1"),  # the one that it sends
        (_ring(arrives=lambda r, s: r - s + 1), "must have 4 terms, not"),  # from the wrong neighbour
        (_ring(sends=lambda r, s: r - s, copies=lambda r, s: r - s - 1), "at the end every chunk"),  # as in the first
        (_ring(copies=lambda r, s: r + 1 - s), "at the end every chunk"),
    ],
    "parallel.combined": [
        (lambda gradients, counts: np.mean(gradients, axis=0), "counts for more"),
        (lambda gradients, counts: sum(gradients), "the gradient is off"),
    ],
    "parallel.efficiency": [
        (lambda N, compute, size, latency, bandwidth: 1.0, "that of four ranks"),
        (lambda N, compute, size, latency, bandwidth: compute / (compute + latency + size / bandwidth), "one rank"),
    ],
    "parallel.reduce_scatter": [
        (lambda vectors: np.array_split(sum(vectors), 4), "rank r completes r + 1"),
        (lambda vectors: [sum(vectors)], "1 chunks for four ranks"),
    ],
    "evaluation.f1": [
        (lambda tp, fp, fn: 2 * tp / (2 * tp + fp + fn), "it raised ZeroDivisionError"),
        (lambda tp, fp, fn: tp / (tp + fp), "F1 of 3 right, 1 false and 2 missed"),
        (lambda tp, fp, fn: 2 * tp / max(2 * tp + fp + fn, 1), "nothing was counted"),
    ],
    "evaluation.mean_absolute_error": [
        (lambda picks, arrivals, tolerance: float(np.nanmean(abs(picks - arrivals))) / 100, "wrong picks do not count"),
        (lambda picks, arrivals, tolerance: 30.0, "in seconds"),
        (lambda p, s, most: (d := abs(p - s) / 100)[d <= most].mean(), "there is no pick"),
    ],
    "evaluation.runs": [
        (lambda curve, threshold, shortest: [], "in [0, 1, 1, 1, 0, 1, 0, 1, 1]"),
        (lambda curve, threshold, shortest: [(1, 4), (5, 6), (7, 9)], "shorter than 2 samples"),
    ],
    "evaluation.best_threshold": [
        (lambda scores, earthquake: 0.5, "is none of the scores"),
        (lambda scores, earthquake: max(scores), "gives F1 = 0.40, 0.1 gives 0.80"),
        (_highest_of_the_best_thresholds, "of equals the lowest"),
    ],
    "picks.window_starts": [
        (lambda N, length, step: list(range(0, N - length + 1, step)), "the last window ends at 12000"),
        (lambda N, length, step: [*range(0, N - length + 1, step), N - length], "windows at 0, 3000 and 6000"),
        (lambda N, length, step: [0, 3000, 6000] if N > 6000 else [0, 0], "one window, and not twice"),
    ],
    "picks.stack_mean": [
        (lambda pieces, starts, N: np.concatenate(pieces), "wanted (7,)"),
        (lambda pieces, starts, N: np.full(N, np.mean(pieces)), "has that window's value"),
    ],
    "picks.match": [
        (lambda ours, theirs, tolerance: sum(min(abs(t - np.array(theirs))) <= 0.5 for t in ours), "one pair only"),
        (lambda ours, theirs, tolerance: 0, "1.0 and 1.2 are a pair"),
    ],
    "picks.origin_time": [
        (lambda p_times, s_times, ratio: np.mean(s_times), "before every arrival"),
        (lambda p_times, s_times, ratio: np.mean(p_times - (s_times - p_times) * 2), "the origin time is off"),
    ],
    "capstone.everybodys_mean": [
        (_rank(share=lambda count, total: 1.0), "the shares are missing"),
        (_rank(share=lambda count, total: 1 / (2 if total != 8 else 3)), "a rank with more windows counts for more"),
        (_rank(adds=lambda r, s: r - s), "rank 0's vector is off"),  # the one that it sends
        (_rank(sends=lambda r, s: r - s), "rank 0's vector is off"),  # as in the first round
        (_rank(share=lambda count, total: count), "times the right one"),
        (_rank_without_a_ring, "it raised IndexError"),
        (_rank_that_only_listens, "waits for a message"),
    ],
    "capstone.stage_kernel": [
        (_stage(bend=lambda y: y), "where is the ReLU"),
        (_stage(begin=lambda b: 0 * b), "the bias is missing"),
        (_stage(pool=lambda one, other: one), "of a pair only the first"),
        (_stage(pool=np.add), "y of 12 samples is off"),
        (_stage(pool=lambda one, other: (one + other) / 2), "the mean of each pair"),
    ],
    "capstone.earthquakes": [
        (_groups(first=0), "the cut is one too early"),
        (_groups(counted=list), "two stations and not three"),
        (lambda times, stations, gap, least: [float(np.median(times))], "three stations agree at about 10.3 s"),
    ],
    "capstone.all_peaks": [
        (lambda curve, threshold, apart: peaks(curve, threshold)[0], "10 and 14 are closer than 6 samples"),
        (_thinned(lambda heights: np.arange(len(heights))), "the higher one stays"),
        (_thinned(lambda heights: np.argsort(-heights)), "in order of time, please"),
        (_without_higher_neighbours, "45 lies between, but it was left out"),
    ],
}

"""Worked answers of chapter 06."""

from __future__ import annotations

import numpy as np


def memory_slopes(dh, x, W, U, kept):
    dW, dU, db, dx = np.zeros_like(W), np.zeros_like(U), np.zeros(len(W)), np.zeros_like(x)
    dh_next = dc_next = np.zeros_like(kept[0][5])
    for t in reversed(range(len(kept))):
        i, f, g, o, c, _, h_before, c_before = kept[t]
        dh_t = dh[:, :, t] + dh_next
        dc = dh_t * o * (1 - np.tanh(c) ** 2) + dc_next
        dz_i, dz_f = dc * g * i * (1 - i), dc * c_before * f * (1 - f)
        dz_c, dz_o = dc * i * (1 - g**2), dh_t * np.tanh(c) * o * (1 - o)
        dz = np.concatenate([dz_i, dz_f, dz_c, dz_o], axis=1)
        dW += dz.T @ x[:, :, t]
        dU += dz.T @ h_before
        db += dz.sum(axis=0)
        dx[:, :, t] = dz @ W
        dh_next, dc_next = dz @ U, dc * f
    return dx, dW, dU, db


def late_slopes(dh, U, kept):
    dU, db, dh_next, dc_next = np.zeros_like(U), np.zeros(len(U)), 0.0, 0.0
    for t in reversed(range(len(kept))):
        i, f, g, o, c, _, h_before, c_before = kept[t]
        dh_t = dh[:, :, t] + dh_next
        dc = dh_t * o * (1 - np.tanh(c) ** 2) + dc_next
        blocks = (dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g**2))
        dz = np.concatenate([*blocks, dh_t * np.tanh(c) * o * (1 - o)], axis=1)
        dU += dz.T @ h_before  # what U was multiplied by: the state before the step, not the one it made
        db += dz.sum(axis=0)
        dh_next, dc_next = dz @ U, dc * f
    return dU, db


def lstm_parameters(C, H, D):
    return D * 4 * H * (C + H + 1)


def half_life(f):
    return np.log(0.5) / np.log(f)  # 13.5 steps for f = 0.95, 17 s


def recur_backward(dh, x, h, w, u):
    dw = du = dh_next = 0.0
    for t in reversed(range(len(x))):
        dz = (dh[t] + dh_next) * (1 - h[t] ** 2)
        dw += dz * x[t]
        du += dz * h[t - 1] if t > 0 else 0.0
        dh_next = dz * u
    return dw, du

"""Spectrograms: power where it is, nothing where nothing was recorded."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bokeh", reason="Bokeh is not installed")


def test_a_tone_stands_at_its_frequency_and_time():
    from minieqt.review.spectrogram import LENGTH, STEP, decibels

    t = np.arange(6000) / 100
    x = np.random.default_rng(0).normal(size=6000).astype(np.float32)
    x += np.where((t >= 20) & (t < 40), 20 * np.sin(2 * np.pi * 12.5 * t), 0).astype(np.float32)
    x[5000:] = np.nan
    image = decibels(x)
    middle = (np.arange(image.shape[1]) * STEP + LENGTH / 2) / 100
    assert image.shape[0] == LENGTH // 2 + 1
    tone = (middle > 21) & (middle < 39)
    frequency = np.arange(image.shape[0]) * 100 / LENGTH
    assert np.all(np.abs(frequency[image[:, tone].argmax(axis=0)] - 12.5) < 100 / LENGTH)
    assert image[16, tone].min() > image[16, middle < 19].max() + 10
    assert np.isnan(image[:, middle > 51]).all() and np.isfinite(image[:, middle < 49]).all()

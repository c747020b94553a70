"""Small records for the tests: three components of noise, in a network's place a small untrained one."""

from __future__ import annotations

import numpy as np
from obspy import Stream, Trace, UTCDateTime

from minieqt.model import EQTransformer

START = UTCDateTime("2022-02-06T02:30:00.123400Z")


def small_model(seed=1):
    """An untrained network with windows of 256 samples, whose probabilities vary around a half."""
    model = EQTransformer(lstm_blocks=1, seed=seed, length=256)
    rng = np.random.default_rng(seed)
    for branch in (model.detection, model.p.decoder, model.s.decoder):
        branch.head.W[...] = rng.normal(0, 3, branch.head.W.shape)
    return model.eval()


def trace(seconds=10.0, channel="HHZ", start=START, rate=100.0, seed=0, station="ABC", location="", dtype="float64"):
    """Gaussian noise, a different one for every channel and seed."""
    rng = np.random.default_rng([seed, *channel.encode()])
    data = (1000 * rng.standard_normal(max(round(seconds * rate), 1))).astype(dtype)
    header = {"network": "XX", "station": station, "location": location, "channel": channel}
    return Trace(data, header | {"sampling_rate": rate, "starttime": start})


def record(seconds=10.0, channels=("HHE", "HHN", "HHZ"), **options):
    return Stream([trace(seconds, channel, **options) for channel in channels])


def times(picks):
    """What must not change."""
    return [(pick.instrument, pick.channel, pick.phase, pick.time.ns, pick.probability) for pick in picks]

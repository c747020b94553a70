"""With SeisBench's windows and its taper, the same weights say the same as SeisBench's `annotate`."""

from __future__ import annotations

import pytest

import minieqt

pytest.importorskip("seisbench", reason="SeisBench is a peer: pip install -e '.[peers]'")


@pytest.fixture(scope="module")
def both(shared):
    """Ten minutes with an earthquake: the stream, the network, and what SeisBench says."""
    import agreement
    import obspy

    weights = shared / "weights" / "seisbench_pnw.pt"
    stream = obspy.read(shared / "data" / "PB.B204.mseed")
    begin = stream[0].stats.starttime + 8700
    stream = stream.slice(begin, begin + 600)
    return stream, minieqt.load_weights(weights), agreement.seisbench_probabilities(stream, weights)


def test_the_same_with_the_same_settings(both):
    import agreement

    stream, model, theirs = both
    with agreement.like_seisbench():
        ours = agreement.probabilities(stream, model)
    apart = agreement.differences(ours, theirs, model.length)
    assert max(theirs["P"]) > 0.3 and all(len(d) > 40000 for d in apart.values())
    assert max(d.max() for d in apart.values()) < 1e-3


def test_windows_and_taper_are_what_differs(both):
    import agreement

    stream, model, theirs = both
    for place, taper in ((True, False), (False, True)):
        with agreement.like_seisbench(place, taper):
            ours = agreement.probabilities(stream, model)
        assert agreement.differences(ours, theirs, model.length)["DET"].max() > 5e-3

"""Rates are probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.augmentation import Augmentation
from minieqt.errors import UserError


@pytest.mark.parametrize(
    "field",
    ["shift", "second_event", "noise", "drop_channels", "scale", "gap", "pre_emphasis", "stretch", "rotate", "flip"]
    + ["other_event"],
)
def test_probabilities_are_checked(field):
    for value in (-0.1, 1.1, np.nan):
        with pytest.raises(UserError, match=field):
            Augmentation(**{field: value})


def test_noise_and_another_event_exclude_each_other():
    assert Augmentation(real_noise=0.6, other_event=0.4)
    with pytest.raises(UserError, match="together they are at most 1"):
        Augmentation(real_noise=0.6, other_event=0.5)

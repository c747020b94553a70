"""The rates of augmentation: how often each kind is applied to a training window.

Mousavi et al. 2020, Methods ("Data augmentation"), and the published code, whose rates are the defaults. Real noise,
another event, stretch, rotation and flip are not in that code, and off by default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from minieqt.errors import UserError

PLAIN, AUGMENTED = range(2)  # which copy of the trace


@dataclass(frozen=True)
class Augmentation:
    """Probabilities, with the published defaults; the plain copy is shifted with half of `shift`."""

    shift: float = 0.99
    second_event: float = 0.6
    noise: float = 0.3
    drop_channels: float = 0.5
    scale: float = 0.0  # louder with this probability, fainter with this one again
    gap: float = 0.2  # of noise windows
    earthquake_gap: float = 0.0
    pre_emphasis: float = 0.0  # not a probability: the filter's coefficient (published 0.97), 0 for none
    real_noise: float = 0.0  # a noise window of the same split is added
    stretch: float = 0.0  # the window is played faster or slower
    rotate: float = 0.0  # of the horizontal components, by any angle
    flip: float = 0.0  # of the polarity of all components
    other_event: float = 0.0  # another earthquake of the same split is added, in place of noise and of a second event

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise UserError(f"augmentation {field.name} must lie in 0 to 1, got {getattr(self, field.name)}")
        if self.real_noise + self.other_event > 1:
            raise UserError("augmentation real_noise and other_event exclude each other: together they are at most 1")

    @classmethod
    def parse(cls, text: str) -> Augmentation:
        """ "gap=0.1 pre_emphasis=0.97" -> the defaults but for these. UserError for an unknown name or no number."""
        names, rates = [field.name for field in fields(cls)], {}
        for part in text.split():
            name, _, rate = part.partition("=")
            try:
                rates[names[names.index(name)]] = float(rate)
            except ValueError:
                raise UserError(
                    f"augmentation {part!r} is not NAME=RATE with a number from 0 to 1; names: {', '.join(names)}"
                ) from None
        return cls(**rates)

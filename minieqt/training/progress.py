"""What the user sees of an epoch: a bar with loss and windows per second, then one line.

The bar shows on a terminal only; a log file gets the lines.
"""

from __future__ import annotations

import time

from tqdm import tqdm


class EpochProgress:
    """`with EpochProgress("epoch 1/20", batches) as progress:`, then `progress.update(loss, windows)` a batch.

    Of several ranks one shows the bar."""

    def __init__(self, title: str, batches: int, first_batch: int = 0, shown: bool = True):
        self.title = title
        self.windows = 0
        self.windows_per_second = 0.0
        self.start = time.perf_counter()
        disable = None if shown else True  # None: where there is no terminal
        self.bar = tqdm(desc=title, total=batches, initial=first_batch, unit="batch", leave=False, disable=disable)

    def __enter__(self) -> EpochProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def update(self, loss: float, windows: int, batches: int = 1) -> None:
        """One more step: the epoch's mean loss so far, and how many windows in how many batches it took."""
        self.windows += windows
        self.windows_per_second = self.windows / (time.perf_counter() - self.start)
        self.bar.set_postfix_str(f"loss {loss:.4f}, {self.windows_per_second:.1f} windows/s", refresh=False)
        self.bar.update(batches)

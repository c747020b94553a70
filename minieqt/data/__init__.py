"""Data sets, splits, labels, augmentation and batches."""

from minieqt.data.augmentation import Augmentation
from minieqt.data.labels import make_labels
from minieqt.data.loader import Batch, Loader
from minieqt.data.normalise import normalise
from minieqt.data.open import open_dataset
from minieqt.data.split import split
from minieqt.data.table import TraceTable

__all__ = [
    "Augmentation",
    "Batch",
    "Loader",
    "TraceTable",
    "make_labels",
    "normalise",
    "open_dataset",
    "split",
]

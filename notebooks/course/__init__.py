"""What the chapters share: a record to look at, a data set to learn from, figures, and `check` for the exercises."""

from course.checking import check
from course.figures import PALETTE, plot_attention, plot_kernel, plot_traces, show, step_errors
from course.records import course_data, example_record, synthetic_windows
from course.training import train_small, trained_network

__all__ = [
    "PALETTE",
    "check",
    "course_data",
    "example_record",
    "plot_attention",
    "plot_kernel",
    "plot_traces",
    "show",
    "step_errors",
    "synthetic_windows",
    "train_small",
    "trained_network",
]

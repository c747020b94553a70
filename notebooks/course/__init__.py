"""What the chapters share: a record to look at, a data set to learn from, figures, `check` and `attempt`."""

from course.checking import attempt, check
from course.figures import PALETTE, plot_attention, plot_kernel, plot_traces, show, slide, step_errors
from course.records import course_data, example_record, synthetic_windows, ten_minutes

__all__ = [
    "PALETTE",
    "attempt",
    "check",
    "course_data",
    "example_record",
    "plot_attention",
    "plot_kernel",
    "plot_traces",
    "show",
    "slide",
    "step_errors",
    "synthetic_windows",
    "ten_minutes",
]

"""Training: `run` is one from beginning to end, `loop` its epochs, `step` and `graph_step` one batch."""

"""Training: `run` is a whole run, `loop` its epochs, `step` and `graph_step` a single step."""

"""Records to picks: begin with `pick`; `probabilities` stacks windows, `events` reads them, `run` picks archives."""

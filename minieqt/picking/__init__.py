"""Records to picks: `pick` is the way, `probabilities` stacks windows, `events` reads them, `run` takes archives."""

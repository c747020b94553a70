"""How well a picker picks: begin with `metrics`; `comparison` is of two sets of picks, `explain` of one network."""

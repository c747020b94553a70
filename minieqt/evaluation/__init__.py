"""How well a picker picks: begin with `metrics`; `comparison` sets pickers side by side, `explain` looks inside one."""

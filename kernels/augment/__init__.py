"""Training windows: `draw` and `window` are one source, which `cpu` and `cuda` compile; `gather` reads for them."""

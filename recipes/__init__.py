"""How the package's own weights are made: `own_weights.py` from the first window to the report."""

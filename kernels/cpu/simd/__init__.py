"""Vector instructions: the register tile (begin there), constant matrices times rows, exp and its like."""

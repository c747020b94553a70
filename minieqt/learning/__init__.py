"""Networks that learn from corrections: what is held back, whether it helped, and every version kept."""

"""Networks that learn from what people corrected: what is held back, whether it helped, and every version kept."""

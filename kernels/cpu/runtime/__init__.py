"""What every kernel runs on: compilation, memory, threads, and packed weights that are kept. Imports no other room."""

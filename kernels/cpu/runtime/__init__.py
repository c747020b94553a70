"""What every kernel needs: compilation, memory, threads, kept packed weights. Imports none of the folders beside it."""

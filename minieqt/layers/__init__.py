"""One layer per file: equation, forward, hand-written backward, class. Begin with `conv1d`, which the others follow."""

"""What picking and evaluation share: a network's answers (begin with `predict`), samples of dropout, peaks."""

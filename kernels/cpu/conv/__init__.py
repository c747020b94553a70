"""Chains of convolutions in order of time: the encoder, the ResCNN, every single convolution. Begin with rows, plan."""

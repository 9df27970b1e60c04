"""Kernels that make sparse weights pay on a CPU: SpMM and 3x3 convolution, for single weights and shared patterns."""

"""Sparse kernels for CPUs: SpMM and 3×3 convolution, for unstructured sparsity (CSR) and 4×1 blocks."""

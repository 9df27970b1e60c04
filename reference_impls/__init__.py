"""Pruning methods for diffusion models: short, readable, runnable, measured on one testbed."""

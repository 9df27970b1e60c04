"""Weights, results and journals, written atomically."""

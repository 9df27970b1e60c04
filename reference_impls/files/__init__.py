"""Whole or not at all: weights, results and journals in and out of files."""

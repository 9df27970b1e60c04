"""One paper, one file, readable from top to bottom."""

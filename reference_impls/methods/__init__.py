"""Reference implementations: one paper, one file, readable from top to bottom."""

"""Models of other packages, each behind an extra: ``pip install .[diffusers]``."""

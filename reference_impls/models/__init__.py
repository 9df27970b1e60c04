"""Folders of saved models, read and written: weights and the structure that was removed."""

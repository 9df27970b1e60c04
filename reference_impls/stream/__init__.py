"""Folders of diffusers in, pruned folders out, tensor by tensor or block by block: the model is never in memory."""

"""What pruning is combined with: the claims of the introduction, made runnable."""

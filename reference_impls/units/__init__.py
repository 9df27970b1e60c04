"""What structured and depth pruning can remove: a model comes in, its groups of units and its blocks come out."""

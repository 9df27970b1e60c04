"""Model folders in and out: a model and what it lacks against its class."""

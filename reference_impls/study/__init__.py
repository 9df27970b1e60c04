"""Studies of pruned models of the testbed: recovery, measurement, combinations; rows of results out."""

"""What helps people who contribute: an arXiv id in, a new entry out; addresses in, a report on dead ones out."""

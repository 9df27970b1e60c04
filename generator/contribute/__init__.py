"""What helps people who contribute: an arXiv id or a form in, an entry out; addresses in, a report on dead ones out."""

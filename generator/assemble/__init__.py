"""From docs/ and the checked catalogue to build/site and the committed generated files."""

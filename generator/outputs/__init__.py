"""Files for others: the checked catalogue in; exports, feeds, README.md and the notes of a release out."""

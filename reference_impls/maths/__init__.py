"""The mathematics that several methods share, each piece once."""

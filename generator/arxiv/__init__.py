"""Metadata of papers from arXiv: ids in; records under data/arxiv/ out, and problems."""

"""What arXiv says about papers: ids in; records under data/arxiv/ out, and problems."""

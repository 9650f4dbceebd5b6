"""Measure what Hubbub costs, next to peers in the same run."""

"""Use cases and background work."""

"""Checks of the store's configuration."""

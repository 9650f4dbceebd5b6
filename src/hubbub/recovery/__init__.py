"""Restoring parties after the store lost data."""

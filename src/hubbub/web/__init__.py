"""The phone app's files."""

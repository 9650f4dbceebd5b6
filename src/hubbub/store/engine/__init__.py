"""The embedded engine: a private Valkey."""

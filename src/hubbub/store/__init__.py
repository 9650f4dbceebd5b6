"""The shared store: its port, the client, events, scripts and the embedded engine."""

"""The descriptions of the HTTP and WebSocket interfaces."""

"""Descriptions of the HTTP and WebSocket interfaces, generated from `core` except for openapi.json."""

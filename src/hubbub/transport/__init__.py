"""aiohttp outside, the service inside."""

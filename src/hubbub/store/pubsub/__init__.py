"""Redis pub/sub: subscriptions, their health, and the events they deliver."""

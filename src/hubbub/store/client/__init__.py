"""Connections to the store's servers: batches, Cluster, Sentinel, addresses."""

"""Hubbub: a party server that always lets you in."""

__version__ = "0.1.0"

"""Phones with a real browser, and what tests look at them with."""

"""`hubbub doctor`: inspect the store's servers, check them, and report."""

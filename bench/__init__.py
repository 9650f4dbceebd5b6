"""What Hubbub costs, beside peers measured in the same run."""

"""A model: fitted, saved, read back."""

"""Write, name, lock and sign files."""

"""Files: found, named, read, written."""

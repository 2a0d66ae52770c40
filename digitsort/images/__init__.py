"""Find image files, and read them as gray pixels within limits."""

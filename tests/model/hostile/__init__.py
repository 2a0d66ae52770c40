"""Model files that mean harm or are wrong, made by changing a good one; none is stored."""

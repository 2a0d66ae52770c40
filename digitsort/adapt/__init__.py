"""Second pass of `classify --adapt`: learn the handwriting in a folder from its accepted rows."""

"""The second pass of `classify --adapt`: learn the hands of a folder from its accepted rows."""

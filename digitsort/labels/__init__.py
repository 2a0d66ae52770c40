"""Tables of labels: read them, write them, and go on with a table that is not finished."""

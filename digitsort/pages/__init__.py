"""Find the ruled cells of a page, cut them into pictures, and put their labels back into a table."""

"""Pages for a person: the doubtful scans to look through, and how well a set was read."""

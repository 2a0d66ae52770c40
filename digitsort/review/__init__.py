"""Write HTML pages: the review page for doubtful scans, and the report of an evaluation."""

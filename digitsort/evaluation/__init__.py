"""Compare labels with the truth, and say how far a model can be trusted."""

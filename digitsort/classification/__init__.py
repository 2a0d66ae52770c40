"""Classify files: decide what each shows, by itself or by the hands in its folder."""

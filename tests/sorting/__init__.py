"""Sorting: plan and apply."""

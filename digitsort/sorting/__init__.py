"""Deliver files into folders: plan first, then apply."""

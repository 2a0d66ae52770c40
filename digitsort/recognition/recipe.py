"""The name of the way from a gray image to a feature vector, and the length of that vector."""

from __future__ import annotations

GRID = 7
"""Sampling points a side."""

DIRECTIONS = 8
"""Of gradients."""

FEATURE_COUNT = GRID * GRID * DIRECTIONS

RECIPE = f"moments-32/gradient-{FEATURE_COUNT}/3"
"""A model fits the recipe it was trained with and no other: change the last number with every change
that moves a feature."""

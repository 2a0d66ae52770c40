"""Digits of load_digits that are kept for `sample_images`, never for training the default model."""

RESERVED_DIGITS = frozenset(range(1740, 1797))
"""The last 57 of 1,797."""

"""Order names as a person does: scan2 before scan10."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+)")

NaturalKey = tuple[tuple[tuple[int, int, str], ...], str]


def natural_key(name: str) -> NaturalKey:
    """Sort key: numbers by their value, letters without regard to case, ties by the exact name."""
    pieces = _NUMBER.split(name.casefold())
    # Every odd piece is a number; a number sorts before a letter.
    key = tuple((0, int(p), "") if i % 2 else (1, 0, p) for i, p in enumerate(pieces) if p)
    return key, name

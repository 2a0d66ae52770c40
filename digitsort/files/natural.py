"""Order names as a person does: scan2 before scan10."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+)")

NaturalKey = tuple[tuple[tuple[int, int, str], ...], str]
"""Pieces, then the name. A piece is 0, a count of digits and the digits; or 1, 0 and letters."""


def natural_key(name: str) -> NaturalKey:
    """Sort key: numbers by their value, letters without regard to case, ties by the exact name."""
    pieces = _NUMBER.split(name.casefold())
    # Every odd piece is a number; a number sorts before a letter.
    key = tuple(_number(p) if i % 2 else (1, 0, p) for i, p in enumerate(pieces) if p)
    return key, name


def _number(digits: str) -> tuple[int, int, str]:
    """Compare like the number, of any length: Python makes no int of over 4,300 digits."""
    significant = digits.lstrip("0")
    return 0, len(significant), significant


def packed_key(name: str) -> str:
    """The order of `natural_key` in one string, from which `unpacked` gives the name back.

    A folder of a million files is sorted by what takes 100 bytes a file instead of 600.
    """
    pieces = _NUMBER.split(name.casefold())
    # Markers: \0 the end, \1 a number (by its count of digits, then by the digits), \2 letters.
    packed = (_packed_number(p) if i % 2 else f"\2{p}" for i, p in enumerate(pieces) if p)
    return f"{''.join(packed)}\0{name}"


def unpacked(key: str) -> str:
    """The name that `packed_key` was given."""
    return key[key.index("\0") + 1 :]


def _packed_number(digits: str) -> str:
    significant = digits.lstrip("0")
    return f"\1{chr(3 + len(significant))}{significant}"

"""Count things in messages: "1 file", "2 files"."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Return the count with its noun, which takes an s unless there is just one.

    >>> plural(1, "file"), plural(2, "file")
    ('1 file', '2 files')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

"""A file that holds no picture digitsort reads."""

from __future__ import annotations

BROKEN = "broken picture"


class UnreadableError(Exception):
    """A file that can't be read; the message is one of a few fixed phrases.

    Attributes
    ----------
    sha256 : str
        Of the bytes, in hex; empty if they could not be read.
    """

    def __init__(self, reason: str, sha256: str = "") -> None:
        super().__init__(reason)
        self.sha256 = sha256

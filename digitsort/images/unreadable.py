"""Define the reasons why a file can't be read, for the column `reason` of `labels.csv`.

They are part of the public interface: docs/reference.md lists them. The reader of a `labels.csv`
accepts any text, so tables from older versions stay readable.
"""

from __future__ import annotations

BROKEN = "broken image"
BROKEN_LINK = "broken link"
CRASHED = "crashed the decoder"
DENIED = "permission denied"
EMPTY = "empty file"
MISSING = "file not found"
NO_MEMORY = "not enough memory"
NOT_AN_IMAGE = "not a supported image"
NOT_REGULAR = "not a regular file"
READ_ERROR = "read error"
TIMED_OUT = "timed out"
UNUSUAL_JPEG = "unsupported kind of JPEG"


class UnreadableError(Exception):
    """Raised for a file that can't be read; the message is one of a few fixed phrases.

    Attributes
    ----------
    sha256 : str
        SHA-256 of the bytes, in hex; empty if they could not be read.
    """

    def __init__(self, reason: str, sha256: str = "") -> None:
        super().__init__(reason)
        self.sha256 = sha256

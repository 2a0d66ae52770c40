"""Define what the headers of an archive say about one member, and what its name may be."""

from __future__ import annotations

import os
from enum import IntEnum
from functools import partial
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from digitsort.sources.located import UNSAFE_NAME, SourceError

MOST_NAME_BYTES = 4096
"""Longest name of a member; Linux allows no longer path."""

_SHOWN_BYTES = 200
"""Length of an unsafe name that a row shows; a hash stands for the rest."""


class Kind(IntEnum):
    """Kind of a member."""

    FILE = 0
    FOLDER = 1
    LINK = 2
    SPECIAL = 3


class Entry(NamedTuple):
    """A member of an archive, as its headers describe it; nothing in it is certain.

    Attributes
    ----------
    position : int
        Where its headers begin, so that it can be found again.
    offset, size, stored, method, crc : int
        As `Span` has them.
    modified : int or bytes
        Time of the last change: in a tar as its header has it, in a zip as MS-DOS packs date and time.
    fault : str
        Why it can't be read; empty if it can.
    """

    name: bytes
    position: int
    kind: Kind
    offset: int = 0
    size: int = 0
    stored: int = 0
    method: int = 0
    crc: int = 0
    modified: int | bytes = 0
    fault: str = ""


new_entry = partial(tuple.__new__, Entry)
"""Make an entry from a tuple of all its fields: there may be millions."""


def member_path(name: bytes) -> str:
    """Return a member's path below its archive, without empty parts and ``.``.

    Raises
    ------
    SourceError
        If the name is absolute or too long, climbs out, or holds a NUL.
    """
    text = name.decode() if name.isascii() else os.fsdecode(name)
    if "//" not in text and "./" not in text and not text.startswith("/") and len(name) <= 255:
        is_plain = bool(text) and "\0" not in text and not text.endswith(("/.", "/..", "/"))
        if is_plain and text not in (".", ".."):
            return text
    parts = [part for part in text.split("/") if part not in ("", ".")]
    is_unsafe = text.startswith("/") or ".." in parts or "\0" in text or not parts
    if is_unsafe or len(name) > MOST_NAME_BYTES:
        raise SourceError(UNSAFE_NAME)
    return "/".join(parts)


def shown_name(name: bytes) -> str:
    """Return a path that stands for a member with an unsafe name: it never leads anywhere."""
    begin = quote_from_bytes(name[:_SHOWN_BYTES], safe="").replace(".", "%2E")
    return f"{begin}~{sha256(name).hexdigest()[:16]}"

"""Remove a file only where its content is proven to lie at another place.

Four ways were once found to lose the only copy of a file: each time a path led through a link, or a
mount, to the very file that was then removed.
"""

from __future__ import annotations

import os
import stat

from digitsort.files.disk import Disk, Place
from digitsort.files.names import printable
from digitsort.files.places import Places
from digitsort.sorting.transfer import (
    CHUNK_BYTES,
    NotDeliveredError,
    ReadState,
    anywhere,
    look,
    open_source,
    source_errors,
)
from digitsort.sources.members import split_member

SECTOR_BYTES = 512
"""What every disk writes whole or not at all."""


def remove_copy(disk: Disk, places: Places, removed: Place, kept: str, sha256: str) -> None:
    """Remove a file of which there is another copy.

    What is known of the other copy has to be durable already (`Places.sync`).

    Parameters
    ----------
    kept : str
        Path of the other copy, without links.
    sha256 : str
        Of the content that both must have.

    Raises
    ------
    NotDeliveredError
        If there is no other copy, or it is the same file by another path.
    OSError
        If it can't be removed.
    """
    check_copy(disk, removed, sha256)
    if (inside := split_member(kept)) is not None:
        _check_member(disk, removed, kept, inside[0], sha256)
        check_copy(disk, removed, sha256)  # reading the archive may have taken minutes
    else:
        place = _found(places, kept)
        check_copy(disk, place, sha256)
        check_other_place(disk, places, removed, place)
    disk.unlink(removed)


def _check_member(disk: Disk, removed: Place, kept: str, archive: str, sha256: str) -> None:
    """Raise NotDeliveredError unless a member of an archive has a content, and is not in `removed`."""
    check_copy(disk, anywhere(kept), sha256)
    with source_errors():
        contains_itself = os.path.samestat(disk.lstat(removed), os.stat(archive))
    if contains_itself:
        raise NotDeliveredError(f"{printable(kept)} is in the same file")


def remove_torn(disk: Disk, torn: Place, whole: Place, sha256: str) -> None:
    """Remove a copy that a power cut has torn: all of it is in the whole file, or zeros.

    Parameters
    ----------
    torn : Place
        Of a file that has another content than `sha256` says.
    whole : Place
        Of the file that it was copied from, which must have that content: it is another file.

    Raises
    ------
    NotDeliveredError
        If the copy has anything else in it, or the file that it was copied from is not whole.
    OSError
        If it can't be removed.
    """
    check_copy(disk, whole, sha256)
    if not _is_part(disk, torn, whole):
        raise NotDeliveredError(f"{printable(torn.path)} is not a partial copy")
    disk.unlink(torn)


def _is_part(disk: Disk, torn: Place, whole: Place) -> bool:
    """Return whether each sector of a file is the one that another has there, or zeros."""
    part, _ = open_source(disk, torn, follow=False)
    try:
        full, _ = open_source(disk, whole, follow=False)
        try:
            while ours := disk.read(part, CHUNK_BYTES):
                theirs = _read_exactly(disk, full, len(ours))
                if ours != theirs and not _is_part_of_bytes(ours, theirs):
                    return False
        finally:
            disk.close(full)
    finally:
        disk.close(part)
    return True


def _read_exactly(disk: Disk, descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := disk.read(descriptor, size - len(data))):
        data += chunk
    return data


def _is_part_of_bytes(ours: bytes, theirs: bytes) -> bool:
    starts = range(0, len(ours), SECTOR_BYTES)
    pairs = ((ours[i : i + SECTOR_BYTES], theirs[i : i + SECTOR_BYTES]) for i in starts)
    return len(ours) <= len(theirs) and all(our == their or not any(our) for our, their in pairs)


def check_copy(disk: Disk, place: Place, sha256: str) -> ReadState:
    """Return what is seen of a regular file, not a link, which must have a content.

    Raises
    ------
    NotDeliveredError
    """
    return look(disk, place, sha256, follow=False)


_OF_INODE = 2**32 - 1
"""The bits of an inode's number that an overlay leaves as they are (``xino``, overlayfs.rst)."""


def check_other_place(disk: Disk, places: Places, one: Place, other: Place) -> None:
    """Raise NotDeliveredError unless two places are two, each with a regular file of the same size.

    They are one if their folders are one and their names too. Where a folder is seen by two ways and
    looks like two (a network share that is mounted twice, an overlay), a file with a single name gives
    it away: it is there twice, with the same inode and the same last change.
    """
    if places.is_same(one, other):
        raise NotDeliveredError(f"{printable(other.path)} is the same file under another path")
    with source_errors():
        here, there = disk.lstat(one), disk.lstat(other)
    if (
        not (stat.S_ISREG(here.st_mode) and stat.S_ISREG(there.st_mode))
        or here.st_size != there.st_size
    ):
        raise NotDeliveredError(f"{printable(other.path)} is no longer a copy")
    inode = here.st_ino & _OF_INODE
    is_one_file = (inode, here.st_ctime_ns) == (there.st_ino & _OF_INODE, there.st_ctime_ns)
    if is_one_file and here.st_nlink == 1 and inode != 0:
        raise NotDeliveredError(f"{printable(other.path)} is the same file under another path")


def _found(places: Places, path: str) -> Place:
    with source_errors():
        return places.at(path)

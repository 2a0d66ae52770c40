"""Remove a file only where its content is proven to lie at another place.

Four ways were once found to lose the only copy of a file: each time a path led through a link, or a
mount, to the very file that was then removed.
"""

from __future__ import annotations

import stat

from digitsort.files.disk import Disk, Place
from digitsort.files.names import printable
from digitsort.files.places import Places
from digitsort.sorting.look import Seen, look
from digitsort.sorting.task import NotDeliveredError, source_errors


def remove_copy(disk: Disk, places: Places, removed: Place, kept: str, sha256: str) -> None:
    """Remove a file of which there is another copy.

    What is known of the other copy has to be durable already (`Places.sync`).

    Parameters
    ----------
    disk : Disk
    places : Places
    removed : Place
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
    place = _found(places, kept)
    check_copy(disk, place, sha256)
    check_other_place(disk, places, removed, place)
    disk.unlink(removed)


def check_copy(disk: Disk, place: Place, sha256: str) -> Seen:
    """Return what is seen of a regular file, not a link, which must have a content.

    Raises
    ------
    NotDeliveredError
    """
    return look(disk, place, sha256, follow=False)


def check_other_place(disk: Disk, places: Places, one: Place, other: Place) -> None:
    """Raise NotDeliveredError unless two places are two, each with a regular file of the same size.

    They are one if their folders are one and their names too. Where a folder is seen by two ways and
    looks like two (a network share that is mounted twice), a file with a single name gives it away: it
    is there twice, with the same inode and the same last change.
    """
    if places.is_same(one, other):
        raise NotDeliveredError(f"{printable(other.path)} is the same file by another path")
    with source_errors():
        here, there = disk.lstat(one), disk.lstat(other)
    if (
        not (stat.S_ISREG(here.st_mode) and stat.S_ISREG(there.st_mode))
        or here.st_size != there.st_size
    ):
        raise NotDeliveredError(f"{printable(other.path)} is no copy any more")
    is_one_file = (here.st_ino, here.st_ctime_ns) == (there.st_ino, there.st_ctime_ns)
    if is_one_file and here.st_nlink == 1 and here.st_ino != 0:
        raise NotDeliveredError(f"{printable(other.path)} is the same file by another path")


def _found(places: Places, path: str) -> Place:
    with source_errors():
        return places.at(path)

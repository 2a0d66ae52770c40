"""Deliver a batch by copies or links: the sources stay."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence

from digitsort.files.disk import Disk, Place
from digitsort.files.places import Places
from digitsort.files.realpaths import RealPaths
from digitsort.sorting.look import anywhere
from digitsort.sorting.publish import publish
from digitsort.sorting.task import (
    NotDeliveredError,
    Results,
    Task,
    reason_of,
    source_errors,
    target_place,
)
from digitsort.sorting.transfer import copy_to_temporary, remove_ours
from digitsort.sorting.unnamed import NoUnnamedFilesError, UnnamedCopies

_NO_LINK = {
    errno.EXDEV: "on another file system: hard links cannot cross file systems",
    errno.EPERM: "cannot create a hard link to it",  # also to a stranger's file: fs.protected_hardlinks
    errno.EMLINK: "it cannot have any more hard links",
    errno.ENOENT: "it disappeared during the run",
}
"""Reason for each error that keeps a single file from getting a hard link."""

Stop = Sequence[int]
"""Not empty once a person wants the run to end."""


def copy_files(disk: Disk, places: Places, tasks: Sequence[Task], stop: Stop) -> Results:
    """Copy each file, and give the copy its name once it is whole."""
    unnamed = UnnamedCopies(disk)

    def copy(task: Task, target: Place) -> int:
        try:
            return unnamed.copy(task, target)
        except NoUnnamedFilesError:
            return _copy_named(disk, places, task, target)

    return _each(places, tasks, stop, copy)


def link_hard(disk: Disk, places: Places, tasks: Sequence[Task], stop: Stop) -> Results:
    """Give each file a second name; of a link, the file that it leads to."""
    real = RealPaths()

    def link(task: Task, target: Place) -> int:
        with source_errors():
            source = places.at(real.file(task.source))
            found = disk.lstat(source)
        if not stat.S_ISREG(found.st_mode):
            raise NotDeliveredError("not a regular file")
        if task.seen is not None and (found.st_dev, found.st_ino) != task.seen[:2]:
            raise NotDeliveredError("changed while it was linked")
        try:
            disk.link(source, target)
        except OSError as error:
            if error.errno in _NO_LINK:
                raise NotDeliveredError(_NO_LINK[error.errno]) from error
            raise
        return 0

    return _each(places, tasks, stop, link)


def link_symbolic(disk: Disk, places: Places, tasks: Sequence[Task], stop: Stop) -> Results:
    """Make a link to the absolute path of each file."""

    def link(task: Task, target: Place) -> int:
        disk.symlink(target, os.path.abspath(task.source))
        return 0

    return _each(places, tasks, stop, link)


def _each(
    places: Places, tasks: Sequence[Task], stop: Stop, deliver: Callable[[Task, Place], int]
) -> Results:
    results = Results()
    for task in tasks:
        if stop:
            break
        try:
            results.done[task.number] = deliver(task, target_place(places, task.target))
        except NotDeliveredError as error:
            results.failed[task.number] = str(error)
        except OSError as error:
            reason = reason_of(error, task.target)
            if not reason:
                results.error = error
                break
            results.failed[task.number] = reason
    return results


def _copy_named(disk: Disk, places: Places, task: Task, target: Place) -> int:
    temporary = places.at(task.temporary)
    size = copy_to_temporary(disk, anywhere(task.source), temporary, task.sha256)
    try:
        publish(disk, temporary, target)
    except BaseException:
        remove_ours(disk, temporary)
        raise
    return size

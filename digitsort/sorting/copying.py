"""Deliver a batch by copies or links: the sources stay."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import closing

from digitsort.files.disk import Disk
from digitsort.sorting.publish import publish
from digitsort.sorting.task import NotDeliveredError, Results, Task, reason_of
from digitsort.sorting.transfer import copy_to_temporary, remove_ours
from digitsort.sorting.unnamed import Folders, NoUnnamedFilesError, copy_unnamed

Stop = Sequence[int]
"""Not empty once a person wants the run to end."""


def copy_files(disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
    """Copy each file, and give the copy its name once it is whole."""
    with closing(Folders(disk)) as folders:

        def copy(disk: Disk, task: Task) -> int:
            try:
                return copy_unnamed(disk, task, folders)
            except NoUnnamedFilesError:
                return _copy_named(disk, task)

        return _each(disk, tasks, stop, copy)


def link_hard(disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
    """Give each file a second name; of a link, the file that it leads to."""
    return _each(disk, tasks, stop, _link)


def link_symbolic(disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
    """Make a link to the absolute path of each file."""
    return _each(disk, tasks, stop, _symlink)


def _each(
    disk: Disk, tasks: Sequence[Task], stop: Stop, deliver: Callable[[Disk, Task], int]
) -> Results:
    results = Results()
    for task in tasks:
        if stop:
            break
        try:
            results.done[task.number] = deliver(disk, task)
        except NotDeliveredError as error:
            results.failed[task.number] = str(error)
        except OSError as error:
            reason = reason_of(error, task.target)
            if not reason:
                results.error = error
                break
            results.failed[task.number] = reason
    return results


def _copy_named(disk: Disk, task: Task) -> int:
    size = copy_to_temporary(disk, task)
    try:
        publish(disk, task.temporary, task.target)
    except BaseException:
        remove_ours(disk, task.temporary)
        raise
    return size


def _link(disk: Disk, task: Task) -> int:
    try:
        disk.link(os.path.realpath(task.source), task.target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise NotDeliveredError("on another file system: no hard link leads there") from error
        raise
    return 0


def _symlink(disk: Disk, task: Task) -> int:
    disk.symlink(os.path.abspath(task.source), task.target)
    return 0

"""Move a batch of files: at every moment each is whole, at its source or at its target."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from digitsort.files.disk import Disk
from digitsort.sorting.copying import Stop
from digitsort.sorting.look import status_from
from digitsort.sorting.publish import publish, rename_new
from digitsort.sorting.task import (
    NotDeliveredError,
    Results,
    Status,
    Task,
    source_errors,
    target_errors,
)
from digitsort.sorting.transfer import copy_to_temporary, remove_ours, sync_folder


def move_files(disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
    """Rename files; across file systems copy the batch, make it durable, then remove its sources.

    Each task's source must have been seen: a file that is another one by now is left.
    """
    results = Results()
    across: list[Task] = []
    on_device = {folder: disk.lstat(folder).st_dev for folder in sorted(_folders(tasks))}
    for task in tasks:
        if stop or results.error is not None:
            break
        try:
            source = _seen(task)
            _check_unchanged(disk, task, but_its_names=True)
            if on_device[task.folder] == source.device and _renamed(disk, task):
                results.done[task.number] = source.size
            else:
                across.append(task)
        except NotDeliveredError as error:
            results.failed[task.number] = str(error)
        except OSError as error:
            results.error = error
    if across:
        _move_across(disk, across, stop, results)
    return results


def _renamed(disk: Disk, task: Task) -> bool:
    """Whether the source could be renamed; False if that takes a copy (two mounts, no rename here)."""
    try:
        rename_new(disk, task.source, task.target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return False
        if error.errno == errno.ENOENT or _is_refused(error):
            raise NotDeliveredError(error.strerror or str(error)) from error
        with target_errors(task.target):
            raise
    return True


def _is_refused(error: OSError) -> bool:
    """Whether the source's folder does not let its names go; DEST was written to a moment ago."""
    return error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)


def _move_across(disk: Disk, tasks: Sequence[Task], stop: Stop, results: Results) -> None:
    copied = _copied(disk, tasks, stop, results)
    published: list[Task] = []
    try:
        _sync_targets(disk, copied)
        _publish(disk, copied, published, results)
        _sync_targets(disk, published)
    except OSError as error:  # no source was touched yet: take back what there is of the batch
        results.error = error
        for task in copied:
            _remove_copy(disk, task.target if task in published else task.temporary)
        return
    for task in published:
        _remove_source(disk, task, results)


def _copied(disk: Disk, tasks: Sequence[Task], stop: Stop, results: Results) -> list[Task]:
    copied = []
    for task in tasks:
        if stop or results.error is not None:
            break
        try:
            if not disk.may_change(os.path.dirname(task.source)):
                raise NotDeliveredError("its folder is read-only: it can't be removed there")
            copy_to_temporary(disk, task, owner=True, durable=True)
        except NotDeliveredError as error:
            results.failed[task.number] = str(error)
        except OSError as error:
            results.error = error
        else:
            copied.append(task)
    return copied


def _publish(disk: Disk, copied: Sequence[Task], published: list[Task], results: Results) -> None:
    for task in copied:
        try:
            _check_unchanged(disk, task)
            with target_errors(task.target):
                publish(disk, task.temporary, task.target)
        except NotDeliveredError as error:
            results.failed[task.number] = str(error)
            _remove_copy(disk, task.temporary)
        else:
            published.append(task)


def _remove_source(disk: Disk, task: Task, results: Results) -> None:
    """Remove a source whose copy is durable; if it must stay, the copy goes."""
    try:
        _check_unchanged(disk, task)
        with source_errors():
            disk.unlink(task.source)
    except NotDeliveredError as error:
        results.failed[task.number] = str(error)
        _remove_copy(disk, task.target)
    else:
        results.done[task.number] = _seen(task).size


def _remove_copy(disk: Disk, path: str) -> None:
    """Remove a copy whose source is there; on a disk that refuses even that, it stays."""
    with suppress(OSError):
        remove_ours(disk, path)


def _check_unchanged(disk: Disk, task: Task, *, but_its_names: bool = False) -> None:
    """Raise where the source is another file by now; another name of it may have been moved before."""
    with source_errors():
        now = status_from(disk.lstat(task.source))
    seen = _seen(task)
    if but_its_names:
        now, seen = now._replace(ctime_ns=0), seen._replace(ctime_ns=0)
    if _identity(now) != _identity(seen):
        raise NotDeliveredError("changed while it was moved")


def _identity(status: Status) -> Status:
    """What differs if a file was written to, or another one took its name."""
    return status._replace(mode=stat.S_IFMT(status.mode))


def _sync_targets(disk: Disk, tasks: Sequence[Task]) -> None:
    devices = {disk.lstat(folder).st_dev: folder for folder in sorted(_folders(tasks))}
    for folder in devices.values():
        sync_folder(disk, folder)


def _folders(tasks: Sequence[Task]) -> set[str]:
    return {task.folder for task in tasks}


def _seen(task: Task) -> Status:
    assert task.seen is not None
    return task.seen

"""Deliver a batch of files: copy, link or move them; each is whole at every moment."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress

from digitsort.files.disk import Disk, Place
from digitsort.files.places import Places, RealPaths
from digitsort.files.regular import is_open_for_writing
from digitsort.sorting.publish import NoUnnamedFilesError, UnnamedCopies, publish, rename_new
from digitsort.sorting.removal import check_other_place, remove_copy
from digitsort.sorting.transfer import (
    FileStatus,
    NotDeliveredError,
    Results,
    Task,
    anywhere,
    copy_to_temporary,
    reason_of,
    remove_ours,
    source_errors,
    source_place,
    target_errors,
    target_place,
)

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


def move_files(disk: Disk, places: Places, tasks: Sequence[Task], stop: Stop) -> Results:
    """Rename files; across file systems copy the batch, make it durable, then remove its sources.

    Each task's source must have been seen: a file that is another one by now is left. Its path must be
    without links (`files.places`): one that is there by now is not followed.
    """
    results = Results()
    across: list[Task] = []
    for task in tasks:
        if stop or results.error is not None:
            break
        try:
            source, target = source_place(places, task.source), target_place(places, task.target)
            seen = _check_unchanged(disk, source, task, but_its_names=True)
            is_near = places.identity(target)[0] == seen.device
            if is_near and _renamed(disk, source, target):
                results.done[task.number] = seen.size
            elif stat.S_ISLNK(seen.mode):
                results.failed[task.number] = "a symbolic link: it can't go to another file system"
            else:
                across.append(task)
        except NotDeliveredError as error:
            results.failed[task.number] = str(error)
        except OSError as error:
            results.error = error
    if across and results.error is None:
        _Crossing(disk, places, results).move(across, stop)
    return results


def _renamed(disk: Disk, source: Place, target: Place) -> bool:
    """Rename the source; return False if that takes a copy (two mounts, no rename here)."""
    try:
        rename_new(disk, source, target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return False
        if error.errno == errno.ENOENT or _is_refused(error):
            raise NotDeliveredError(error.strerror or str(error)) from error
        with target_errors(target.path):
            raise
    return True


def _is_refused(error: OSError) -> bool:
    """Tell whether the error means that the source can't go. EBUSY: it is a mount point."""
    return error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY)


class _Crossing:
    """Moves a batch to another file system."""

    def __init__(self, disk: Disk, places: Places, results: Results) -> None:
        self._disk = disk
        self._places = places
        self._results = results

    def move(self, tasks: Sequence[Task], stop: Stop) -> None:
        copied = [task for task in tasks if not (stop or self._results.error) and self._copied(task)]
        published: list[Task] = []
        try:
            self._places.sync(task.target for task in copied)
            for task in copied:
                self._publish(task, published)
            self._places.sync(task.target for task in published)
        except OSError as error:  # no source was touched yet: take back what there is of the batch
            self._results.error = error
            for task in copied:
                if task in published:
                    self._take_back(task)
                else:
                    self._remove_temporary(task)
            return
        for task in published:
            self._remove_source(task)

    def _copied(self, task: Task) -> bool:
        """Copy the source to a temporary name beside its target; return whether that was possible."""
        try:
            source = source_place(self._places, task.source)
            if not self._disk.may_change(source):
                raise NotDeliveredError("its folder is read-only, so it can't be moved")
            temporary = target_place(self._places, task.temporary)
            copy_to_temporary(self._disk, source, temporary, task.sha256, owner=True, durable=True)
        except NotDeliveredError as error:
            self._results.failed[task.number] = str(error)
        except OSError as error:
            self._results.error = error
        else:
            return True
        return False

    def _publish(self, task: Task, published: list[Task]) -> None:
        try:
            _check_unchanged(self._disk, source_place(self._places, task.source), task)
            with target_errors(task.target):
                publish(self._disk, self._places.at(task.temporary), self._places.at(task.target))
        except NotDeliveredError as error:
            self._results.failed[task.number] = str(error)
            self._remove_temporary(task)
        else:
            published.append(task)

    def _remove_source(self, task: Task) -> None:
        """Remove a source whose copy is durable; if it must stay, the copy goes.

        The copy stays where the source is out of reach or another file by now: it may be the only one.
        """
        try:
            source = source_place(self._places, task.source)
            target = target_place(self._places, task.target)
            _check_unchanged(self._disk, source, task)
            check_other_place(self._disk, self._places, source, target)
            if is_open_for_writing(source.path):  # what is written next would go with it
                raise NotDeliveredError("another program has it open for writing")
            _check_unchanged(self._disk, source, task)  # once more: those took a while
            with source_errors():
                self._disk.unlink(source)
        except (NotDeliveredError, OSError) as error:
            self._results.failed[task.number] = str(error)
            self._take_back(task)
        else:
            self._results.done[task.number] = _seen(task).size

    def _take_back(self, task: Task) -> None:
        """Remove a copy whose source is there, and what it was; else the copy counts as delivered."""
        try:
            copy = self._places.at(task.target)
            remove_copy(self._disk, self._places, copy, task.source, task.sha256)
        except (NotDeliveredError, OSError):
            self._results.done[task.number] = _seen(task).size

    def _remove_temporary(self, task: Task) -> None:
        """Remove a copy that has no name yet; on a disk that refuses even that, it stays."""
        with suppress(OSError):
            remove_ours(self._disk, self._places.at(task.temporary))


def _check_unchanged(
    disk: Disk, source: Place, task: Task, *, but_its_names: bool = False
) -> FileStatus:
    """Return the state of a source, or raise if another file has replaced it.

    With `but_its_names`, other hard links to it may have been moved before.
    """
    try:
        now = disk.lstat(source)
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error
    seen = _seen(task)
    device, inode, mode, size, mtime_ns, ctime_ns, links = seen
    if (  # what differs if a file was written to, or another one took its name
        now.st_ino != inode
        or now.st_mtime_ns != mtime_ns
        or now.st_size != size
        or now.st_dev != device
        or stat.S_IFMT(now.st_mode) != stat.S_IFMT(mode)
        or (now.st_ctime_ns != ctime_ns and not (but_its_names or links > 1))
    ):
        raise NotDeliveredError("changed while it was moved")
    return seen


def _seen(task: Task) -> FileStatus:
    assert task.seen is not None
    return task.seen

"""Deliver a batch of files: copy, link or move them; each is whole at every moment."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress

from digitsort.files.disk import HAS_UNNAMED_FILES, NEW, Disk, Place
from digitsort.files.names import parent_of
from digitsort.files.places import Places, RealPaths
from digitsort.files.regular import is_open_for_writing
from digitsort.sorting.removal import check_other_place, remove_copy
from digitsort.sorting.transfer import (
    FileStatus,
    NotDeliveredError,
    Results,
    Task,
    anywhere,
    copy_to_temporary,
    fill,
    has_access_list,
    open_source,
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


_NO_RENAME = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What a rename that replaces nothing answers where there is none (NFS, some FUSE, macOS)."""

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
"""What `os.link` answers where there are no hard links (FAT, some network shares)."""


def rename_new(disk: Disk, source: Place, target: Place) -> None:
    """Give a file another name on the same file system, which nothing has.

    Where there is no such rename: a link, then the old name away.

    Raises
    ------
    FileExistsError
        If something has it.
    OSError
        With EXDEV if it is another file system, or one that has neither call.
    """
    try:
        disk.rename_new(source, target)
    except OSError as error:
        if error.errno not in _NO_RENAME:
            raise
        try:
            disk.link(source, target)
        except OSError as link_error:
            if link_error.errno in _NO_LINKS:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source.path) from error
            raise
        _remove_old_name(disk, source, target)


def _remove_old_name(disk: Disk, source: Place, target: Place) -> None:
    """Remove the old one of a file's two names; where that can't be done, the new one.

    If somebody has put another file in the place of one of them, both stay.
    """
    try:
        if not _is_one_file(disk.lstat(source), disk.lstat(target)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target.path)
        disk.unlink(source)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        remove_ours(disk, target)
        raise


def _is_one_file(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def publish(disk: Disk, temporary: Place, target: Place) -> None:
    """Give a finished copy its final name.

    Where no name can be given without the danger of replacing something, an empty file takes the name,
    which only one process can make, and is then replaced.

    Raises
    ------
    FileExistsError
        If something has the name.
    """
    try:
        rename_new(disk, temporary, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        disk.close(disk.open(target, NEW))
        try:
            disk.replace(temporary, target)
        except BaseException:
            remove_ours(disk, target)
            raise


_NO_UNNAMED = {errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOSYS, errno.ENOENT}
"""What a system or a file system without such files answers; ENOENT where there is no ``/proc``."""

_NO_NAMING = {*_NO_UNNAMED, errno.EPERM, errno.EXDEV, errno.EACCES, errno.EMLINK, errno.ELOOP}

_ASKED = 0o777
"""Permission bits that a copy is made with, without set-ID and sticky bits: writing clears them."""


class NoUnnamedFilesError(Exception):
    """A folder in which a copy needs a name from the beginning."""


class UnnamedCopies:
    """Makes the copies of a batch."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._without: set[str] = set()
        self._given: dict[tuple[str, int], bool] = {}

    def copy(self, task: Task, target: Place) -> int:
        """Copy content, mode, times and attributes; return the copy's bytes.

        Raises
        ------
        NoUnnamedFilesError
            If it has to be done in another way.
        NotDeliveredError
            If the source can't be read, is no regular file, or its content is not what is expected.
        OSError
            If the target's file system fails.
        """
        disk, folder = self._disk, parent_of(target.path)
        if not HAS_UNNAMED_FILES or folder in self._without:
            raise NoUnnamedFilesError
        source, status = open_source(disk, anywhere(task.source))
        mode = stat.S_IMODE(status.st_mode)
        writable = mode | stat.S_IWUSR  # or it could be given no attributes
        try:
            try:
                copy = disk.open_unnamed(target, writable & _ASKED)
            except OSError as error:
                raise self._given_up(folder, error, _NO_UNNAMED) from error
            try:
                is_plain = mode == writable and self._is_plain(folder, mode, copy)
                fill(disk, source, status, copy, task.sha256, is_plain=is_plain)
                try:
                    disk.name_unnamed(target, copy)
                except OSError as error:
                    raise self._given_up(folder, error, _NO_NAMING) from error
            finally:
                disk.close(copy)
        finally:
            disk.close(source)
        return status.st_size

    def _is_plain(self, folder: str, mode: int, descriptor: int) -> bool:
        """Return whether new files in a folder have the requested mode and no access list.

        Only the first file of each folder and mode is checked.
        """
        if (folder, mode) not in self._given:
            given = stat.S_IMODE(self._disk.fstat(descriptor).st_mode)
            self._given[folder, mode] = given == mode and not has_access_list(self._disk, descriptor)
        return self._given[folder, mode]

    def _given_up(self, folder: str, error: OSError, means: set[int]) -> Exception:
        """Return the error to raise instead of one that may only mean that there are no such files."""
        if error.errno not in means:
            return error
        self._without.add(folder)
        return NoUnnamedFilesError()

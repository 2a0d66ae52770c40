"""Stop a process before any call to the file system, and see what is left."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from digitsort.files.disk import Disk, Place
from digitsort.labels.labels_csv import read_labels
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.verify import Mark, read_manifest, verify

CHOSEN_MODES = tuple(mode for mode in Mode if mode is not Mode.WITHIN)
"""What a person can choose."""


class StoppingDisk(Disk):
    """Counts the calls; kills the process before one of them, or halfway through a write.

    Attributes
    ----------
    calls : Counter
        By name.
    """

    def __init__(self, stop_before: int | None = None, *, torn: bool = False) -> None:
        self.calls: Counter[str] = Counter()
        self._stop_before = stop_before
        self._torn = torn

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "calls":
            return found

        def call(*arguments: Any) -> Any:
            if self.calls.total() == self._stop_before:
                if self._torn and name == "write":
                    found(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            self.calls[name] += 1
            return found(*arguments)

        return call


CHANGES = {
    *("write", "truncate", "mkdir", "rmdir", "unlink", "replace"),
    *("rename_new", "link", "symlink", "name_unnamed", "set_mode", "set_times"),
}


class StopsBeforeChanges(StoppingDisk):
    """Stops before calls that change a name or a content: others make no difference."""

    def __getattribute__(self, name: str) -> Any:
        is_change = name in CHANGES or name == "calls" or name.startswith("_")
        return super().__getattribute__(name) if is_change else object.__getattribute__(self, name)


class NamingDisk(StopsBeforeChanges):
    """One whose file system knows no files without a name."""

    def open_unnamed(self, place: Place, mode: int = 0o600) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def in_child(action: Callable[[], object]) -> int:
    """Run in a child process; its signal, or 0 if it came to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # threads of libraries do not matter to what the child does
        child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


@contextmanager
def two_devices() -> Iterator[tuple[Path, Path, str]]:
    """Folders on two file systems, and what the second one is."""
    with tempfile.TemporaryDirectory() as one:
        for name in ("/dev/shm", "/run", "/var/tmp"):  # a tmpfs, on most Linux systems
            other = Path(name)
            if other.is_dir() and os.access(other, os.W_OK):
                if other.stat().st_dev == Path(one).stat().st_dev:
                    continue
                with tempfile.TemporaryDirectory(dir=other) as two:
                    yield Path(one), Path(two), name
                    return
    pytest.skip("no second file system to write to")


CONTENTS = {
    "7.png": b"seven",
    "a/7.png": b"another seven",
    "a/b/7.png": b"third seven",
    "a/twin.png": b"twin",
    "b/twin.png": b"twin",
    "b/1.png": b"one" * 5000,
}
"""Path to content; two are the same, three have one name."""

LABELS = {"7.png": "7", "twin.png": "2", "1.png": "1"}


class Scene:
    """A small folder of scans, its rows, and a DEST that has been sorted into before."""

    def __init__(self, source: Path, dest: Path) -> None:
        self.source = source / "scans"
        self.dest = dest / "sorted"
        for name, content in CONTENTS.items():
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o640)
            os.utime(path, ns=(1_600_000_000_000_000_000, 1_500_000_000_123_456_789))
        self.before = snapshot(self.source)
        self.rows = [self._row(name, content) for name, content in CONTENTS.items()]

    def _row(self, name: str, content: bytes) -> Row:
        sha256 = hashlib.sha256(content).hexdigest()
        label = LABELS[Path(name).name]
        cells = {"path": name, "label": label, "status": "ok", "sha256": sha256}
        return Row(str(self.source / name), label, Status.OK, sha256=sha256, cells=cells)

    def sort(self, mode: Mode, disk: Disk) -> None:
        """What the command does."""
        from digitsort.sorting.apply import carry_out
        from digitsort.sorting.dest import locked
        from digitsort.sorting.recover import recover

        with locked(self.dest, disk) as held:
            recover(held, disk)
            carry_out(plan_sort(self.rows, self.dest, SortOptions(mode)), held, disk=disk)

    def watch(self, mode: Mode, disk: Disk) -> None:
        """What `watch` does with files that arrive two by two."""
        from digitsort.sorting.arrivals import Arrivals
        from digitsort.sorting.dest import locked
        from digitsort.sorting.recover import recover

        root = os.path.realpath(self.source) if mode.is_move else None
        with locked(self.dest, disk) as held:
            recover(held, disk)
            arrivals = Arrivals(held, SortOptions(mode, move_from=root), disk)
            there = [row for row in self.rows if os.path.exists(row.path)]
            for first in range(0, len(there), 2):
                arrivals.deliver(there[first : first + 2])
                arrivals.close_books(now=True)

    def undo(self, disk: Disk) -> None:
        """What the command does."""
        from digitsort.sorting.undo import undo

        undone = undo(self.dest, disk=disk)
        assert undone.left == ()

    def check_nothing_lost(self) -> None:
        """Every content is whole under some name, and no half file has one."""
        files = {p: p.read_bytes() for p in [*_files(self.source), *_sorted_files(self.dest)]}
        whole = {content for path, content in files.items() if not _is_temporary(path)}
        assert whole == set(CONTENTS.values())

    def check_sorted(self, mode: Mode) -> None:
        """Everything is delivered exactly once, in the books, and nothing temporary is left."""
        found = Counter(p.read_bytes() for p in _sorted_files(self.dest))
        assert found == Counter(set(CONTENTS.values()))
        stays = ["b/twin.png"] if mode is Mode.MOVE else list(CONTENTS)
        assert sorted(map(str, (p.relative_to(self.source) for p in _files(self.source)))) == sorted(
            stays
        )
        rows = [row.path for row in read_labels(self.dest / "labels.csv")]
        assert sorted(rows) == sorted(map(str, _sorted_files(self.dest)))
        manifest = read_manifest(str(self.dest))
        assert manifest.finished
        assert {mark for mark, _ in verify(self.dest, manifest)} == {Mark.SAME}
        assert temporary_files(self.source, self.dest) == []

    def check_undone(self) -> None:
        """All is as it was: names, bytes, modes and times."""
        assert snapshot(self.source) == self.before
        assert not self.dest.exists() or not list(self.dest.iterdir())


def snapshot(top: Path) -> dict[str, tuple[bytes, int, int]]:
    """Path to content, mode and time."""
    return {
        str(p.relative_to(top)): (p.read_bytes(), p.stat().st_mode, p.stat().st_mtime_ns)
        for p in _files(top)
    }


def temporary_files(*tops: Path) -> list[Path]:
    """What a run should not leave behind."""
    return [p for top in tops for p in _files(top) if _is_temporary(p)]


def _is_temporary(path: Path) -> bool:
    return path.name.endswith(".tmp") or (path.parent.name == ".digitsort" and path.suffix == ".csv")


def _files(top: Path) -> list[Path]:
    return sorted(p for p in top.rglob("*") if p.is_file() or p.is_symlink())


def _sorted_files(dest: Path) -> list[Path]:
    return [p for p in _files(dest) if ".digitsort" not in p.parts and p.name != "labels.csv"]

"""A user's home beside a folder that a stranger made, and whether any of the home was touched."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import typer

from digitsort.cli.sort import sort
from digitsort.cli.undo import undo
from digitsort.cli.verify import verify
from digitsort.files.disk import Disk, Place
from digitsort.sorting.entries import sealed
from digitsort.sorting.journal import FOLDER
from tests.conftest import make_tree

COMMANDS: dict[str, Callable[..., None]] = {"sort": sort, "undo": undo, "verify": verify}

HOME = {
    "7.png": b"seven",
    "1.png": b"one",
    "a/7.png": b"another seven",
    ".ssh/authorized_keys": b"ssh-ed25519 AAAA",
    "bin/tool": b"#!/bin/sh\n",
    "secret.txt": b"secret",
    "lock": b"not empty",
    "running": b"marathon",
    "labels.csv": b"path,label,status\n7.png,7,ok\n",
    "labels.seal": b"seal",
    "run-000001.jsonl": b"no journal\n",
    ".digitsort/run-000007.jsonl": b"{}\n",
    "7/7.png": b"seven",
    "7/1.png": b"one",
    "sorted/7/7.png": b"seven",
    "scans/7.png": b"seven",
    "scans/1.png": b"one",
}
"""Names and contents that would serve a stranger: of the scans, of digitsort's own files, secrets."""

SCANS = {"7.png": b"seven", "1.png": b"one", "a/7.png": b"another seven"}

SORTED = {
    "7/7.png": b"seven",
    "7/evil": b"evil",
    "7/keys": b"ssh-ed25519 AAAA",
    "7/tool": b"#!/bin/sh\n",
    "8/7.png": b"seven",
    "x": b"secret",
}
"""What the stranger put into DEST: also contents that lie in the home."""

STRANGERS_KEY = b"k" * 32

TOKEN = "0a1b2c3d"


class Ended(NamedTuple):
    """How a command ended.

    Attributes
    ----------
    code : int
    text : str
        Of stdout and stderr.
    """

    code: int
    text: str


def run(command: str, **options: Any) -> Ended:
    """Run a command's function in this process; what it raises but its exit is raised."""
    written = io.StringIO()
    with redirect_stdout(written), redirect_stderr(written):
        try:
            COMMANDS[command](**options)
        except typer.Exit as end:
            return Ended(end.exit_code, written.getvalue())
    raise AssertionError("a command ends with an exit code")


class QuickDisk(Disk):
    """One that makes nothing durable, which is slow: a kill of the whole system is no matter here."""

    def fsync(self, descriptor: int) -> None:
        pass

    def sync_file_system(self, place: Place) -> None:
        pass


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Yield a folder, in memory where there is one: nothing here is about durability."""
    memory = Path("/dev/shm")
    where = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(os.path.realpath(folder))


@dataclass(frozen=True, slots=True)
class World:
    """A home, scans of the user's with their table, and a DEST that came with an archive."""

    top: Path

    @property
    def home(self) -> Path:
        return self.top / "home"

    @property
    def scans(self) -> Path:
        return self.top / "own" / "scans"

    @property
    def table(self) -> Path:
        return self.top / "own" / "labels.csv"

    @property
    def dest(self) -> Path:
        return self.top / "archive" / "sorted"

    @property
    def root(self) -> Path:
        """What the user names for adopted moves."""
        return self.top / "back"

    @property
    def inside(self) -> Path:
        return self.dest / FOLDER

    def journal(self, name: str = "run-000001.jsonl") -> Path:
        self.inside.mkdir(parents=True, exist_ok=True)
        return self.inside / name

    def sort(self, **options: Any) -> Ended:
        return run("sort", source=self.table, dest=self.dest, **options)


def new_world(top: Path) -> World:
    """Make one."""
    world = World(top)
    make_tree(world.home, HOME)
    (world.home / ".ssh/authorized_keys").chmod(0o600)
    (world.home / "bin/tool").chmod(0o755)
    make_tree(world.scans, SCANS)
    rows = "".join(f"scans/{name},{name[-5]},ok,{sha(data)}\n" for name, data in SCANS.items())
    world.table.write_text(f"path,label,status,sha256\n{rows}")
    make_tree(world.dest, SORTED)
    (world.dest / "7/tool").chmod(0o700)
    world.root.mkdir()
    for path in world.home.rglob("*"):
        os.utime(path, ns=(1_600_000_000_000_000_000, 1_500_000_000_123_456_789), follow_symlinks=False)
    return world


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Touched(NamedTuple):
    """What is compared of a path: all that a change of any kind would change."""

    kind: int
    mode: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    links: int
    content: bytes | str


def snapshot(top: Path, *, linked: bool = False) -> dict[str, Touched]:
    """Path to what lies there, folders and `top` itself included.

    Parameters
    ----------
    top : Path
    linked : bool
        A file may get further names: these change its number of links and its last change.
    """
    return {str(path.relative_to(top)): _touched(path, linked) for path in [top, *_walk(top)]}


def _touched(path: Path, linked: bool) -> Touched:
    found = path.lstat()
    content: bytes | str = b""
    if stat.S_ISLNK(found.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(found.st_mode):
        content = path.read_bytes()
    is_file = stat.S_ISREG(found.st_mode)
    changed, links = (0, 0) if linked and is_file else (found.st_ctime_ns, found.st_nlink)
    return Touched(
        stat.S_IFMT(found.st_mode),
        stat.S_IMODE(found.st_mode),
        found.st_mtime_ns,
        changed,
        found.st_ino,
        links,
        content,
    )


def _walk(top: Path) -> Iterator[Path]:
    for above, folders, files in os.walk(top):
        yield from (Path(above, name) for name in sorted(folders + files))


def contents(top: Path) -> dict[bytes, set[int]]:
    """Content to the modes that files with it have; of digitsort's own files none."""
    found: dict[bytes, set[int]] = {}
    for path in _walk(top):
        status = path.lstat()
        if FOLDER in path.parts or path.name.startswith("labels") or not stat.S_ISREG(status.st_mode):
            continue
        found.setdefault(path.read_bytes(), set()).add(stat.S_IMODE(status.st_mode))
    return found


def head(world: World, **changed: Any) -> dict[str, Any]:
    """The first record of a journal for the world's DEST."""
    identity = world.dest.stat()
    return {
        "digitsort": 3,
        "mode": "move",
        "token": TOKEN,
        "dest": str(world.dest),
        "device": identity.st_dev,
        "inode": identity.st_ino,
        "root": str(world.home),
        "made": 0,
        "continues": False,
        "began": "2026-01-01T00:00:00+00:00",
    } | changed


def entry(number: int, source: object, to: object, data: bytes, **changed: Any) -> list[Any]:
    """An entry as a journal has it."""
    named = {
        "number": number,
        "source": source,
        "to": to,
        "sha256": sha(data),
        "size": len(data),
        "mtime_ns": 1_400_000_000_000_000_000,
        "mode": 0o4777,
        "cells": ["x"],
    } | changed
    return list(named.values())


def entries(*rows: Sequence[Any], columns: object = ("path",)) -> dict[str, Any]:
    """A record of entries."""
    return {"columns": columns, "entries": list(rows)}


def forged(records: Sequence[object], key: bytes | None = STRANGERS_KEY) -> bytes:
    """A journal's bytes, each line sealed with a key; None for the key of the user."""
    lines = []
    for number, record in enumerate(records):
        text = record if isinstance(record, str) else json.dumps(record, separators=(",", ":"))
        token = TOKEN if number else ""
        lines.append(sealed(text, token, number) if key is None else _sealed(text, token, number, key))
    return "".join(lines).encode("utf-8", "surrogatepass")


def _sealed(text: str, token: str, number: int, key: bytes) -> str:
    data = b"%b %d %b" % (token.encode(), number, text.encode("utf-8", "surrogatepass"))
    return f"{text}\t{blake2b(data, key=key, person=b'journal', digest_size=16).hexdigest()}\n"


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Paths that are not what they were."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))

"""The only copy of a file is never removed, whatever links and mounts lie in between.

The first four tests are the ways by which it once was. The others try the kind: each mode, each step
that removes something, and each way in which a person, or a program that removes duplicates, may have
tied the scans and the sorted files together.
"""

from __future__ import annotations

import csv
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import run_digitsort

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

NAMES = ("a.png", "b.png", "c.png")

KILLED = """
import os, signal, sys
from digitsort.files.disk import Disk

def killing(count):
    rename, write = Disk.rename_new, Disk.write
    renamed = []
    def counted(self, *places):
        rename(self, *places)
        renamed.append(places)
    def stopped(self, *arguments):
        if len(renamed) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(self, *arguments)
    Disk.rename_new, Disk.write = counted, stopped

killing(int(sys.argv.pop(1)))
from digitsort.cli import main
main()
"""
"""A command that is killed after so many renames, when it wants to write them down."""


def threes(top: Path) -> tuple[Path, Path]:
    """A folder of scans, and a table that calls them all 3."""
    scans = top / "scans"
    scans.mkdir()
    with (top / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "label", "status", "sha256"])
        for name in NAMES:
            (scans / name).write_bytes(name.encode())
            sha256 = hashlib.sha256(name.encode()).hexdigest()
            writer.writerow([f"scans/{name}", "3", "ok", sha256])
    return scans, top / "labels.csv"


def real_contents(*tops: Path) -> set[bytes]:
    """Contents of all regular files below; no link is followed."""
    return {
        path.read_bytes()
        for top in tops
        for folder, _, names in os.walk(top)
        for path in (Path(folder, name) for name in names)
        if path.is_file() and not path.is_symlink()
    }


def be_a_link(path: Path, target: Path) -> None:
    """Put a link in the place of a file, or of an empty folder."""
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    path.symlink_to(target)


@contextmanager
def bound(source: Path, target: Path) -> Iterator[None]:
    """Let a folder be seen at the place of another one, too."""
    mount = ["mount", "--bind", str(source), str(target)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a bind mount takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


def run(top: Path, *arguments: str | Path, codes: tuple[int, ...] = (0,)) -> None:
    """Run a command, after which everything is still there."""
    ran = run_digitsort(*arguments)
    assert real_contents(top) >= {name.encode() for name in NAMES}
    assert "Traceback" not in ran.stderr
    assert ran.returncode in codes, ran.stderr


def test_a_killed_move_whose_scans_became_a_link_to_dest(tmp_path: Path) -> None:
    """Way (a): the files at the targets are not sources that still have to be removed."""
    scans, labels = threes(tmp_path)
    command = ["sort", str(labels), str(tmp_path / "sorted"), "--move"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(len(NAMES)), *command], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert list(scans.iterdir()) == []
    be_a_link(scans, tmp_path / "sorted" / "3")
    run(tmp_path, *command, codes=(0, 1))
    run(tmp_path, "undo", tmp_path / "sorted", codes=(0, 1, 2))


def test_scans_that_became_links_to_their_copies(tmp_path: Path) -> None:
    """Way (b): what a link leads to is no second copy."""
    scans, labels = threes(tmp_path)
    run(tmp_path, "sort", labels, tmp_path / "sorted")
    for name in NAMES:
        be_a_link(scans / name, tmp_path / "sorted" / "3" / name)
    run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))


def test_a_folder_of_scans_that_became_a_link_to_the_copies(tmp_path: Path) -> None:
    """Way (c): one link for all of them."""
    scans, labels = threes(tmp_path)
    run(tmp_path, "sort", labels, tmp_path / "sorted")
    for name in NAMES:
        (scans / name).unlink()
    be_a_link(scans, tmp_path / "sorted" / "3")
    run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))


@pytest.mark.parametrize("how", ["link", "mount"])
def test_a_folder_that_was_moved_from_and_became_the_target(tmp_path: Path, how: str) -> None:
    """Way (d): a file at the source by another path is the moved file itself."""
    scans, labels = threes(tmp_path)
    run(tmp_path, "sort", labels, tmp_path / "sorted", "--move")
    if how == "link":
        be_a_link(scans, tmp_path / "sorted" / "3")
        run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))
        return
    with bound(tmp_path / "sorted" / "3", scans):
        run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))

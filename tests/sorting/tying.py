"""Scans and sorted files that a person, or a remover of duplicates, has tied together."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from digitsort.errors import DigitsortError
from digitsort.files.disk import DISK, Disk
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.sorting.apply import carry_out
from digitsort.sorting.dest import locked
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.recover import recover
from digitsort.sorting.undo import undo

CONTENTS = {
    "a.png": b"a",
    "Case.png": b"upper",
    "case.png": b"lower",
    "\u00e9.png": b"accent",
    "twin1.png": b"twin",
    "twin2.png": b"twin",
    "sub/a.png": b"another a",
    "8.png": b"eight",
}
"""Below the folder of scans; all but the last one are labelled 3."""


class TiedScene:
    """Scans, a DEST, and what a person may do to them without losing a file himself."""

    def __init__(self, one: Path, two: Path, mode: Mode) -> None:
        self.tops = (one, two)
        self.mode = mode
        self.parent = one / "in"
        self.scans = self.parent / "scans"
        self.dest = two / "sorted"
        self.threes = self.dest / "3"
        for name, content in CONTENTS.items():
            path = self.scans / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.dest.mkdir(parents=True)
        self._rows = [self._row(name, content) for name, content in CONTENTS.items()]
        plan = plan_sort(self._rows, self.dest, SortOptions(mode))
        self.pairs = [(Path(o.source), Path(o.target)) for o in plan.operations]
        self._numbers = count()
        self.is_covered = False

    def _row(self, name: str, content: bytes) -> Row:
        label = "8" if name == "8.png" else "3"
        sha256 = hashlib.sha256(content).hexdigest()
        return Row(str(self.scans / name), label, Status.OK, sha256=sha256)

    def sort(self, disk: Disk = DISK) -> None:
        """Do what the command does; a message of it is as good as success."""
        try:
            with locked(self.dest, disk) as held:
                recover(held, disk)
                carry_out(plan_sort(self._rows, self.dest, SortOptions(self.mode)), held, disk=disk)
        except DigitsortError:
            return

    def correct(self, disk: Disk = DISK) -> None:
        """Sort by other labels: DEST/3 goes to DEST/5, and another file comes into DEST/3."""
        labels = {name: "3" if name == "8.png" else "5" for name in CONTENTS}
        for number, name in enumerate(CONTENTS):
            self._rows[number] = self._rows[number]._replace(label=labels[name])
        self.sort(disk)

    def look_at(self, what: str) -> None:
        """From now on ties are between the scans and DEST/5, or between DEST/3 and DEST/5."""
        self.threes = self.dest / "5"
        in_dest = [(source, self.threes / target.name) for source, target in self.pairs]
        if what == "within DEST":
            in_dest = [(target, self.threes / target.name) for _, target in self.pairs]
            self.scans, self.parent = self.dest / "3", self.dest
        self.pairs = [(one, other) for one, other in in_dest if other.name != "8.png"]

    def undo(self, disk: Disk = DISK, *, everything: bool = False) -> None:
        """Do what the command does; a message of it is as good as success."""
        try:
            undo(self.dest, everything=everything, disk=disk)
        except DigitsortError:
            return

    def check_all_there(self) -> None:
        """Every content lies somewhere in a regular file."""
        if self.is_covered:
            return  # by a mount: looked at once it is gone
        contents = {path.read_bytes() for path in real_files(*self.tops)}
        assert contents >= set(CONTENTS.values())

    def readable(self) -> dict[str, bytes]:
        """What the paths of the scans lead to, by whatever links."""
        paths = [source for source, _ in self.pairs]
        return {str(path): path.read_bytes() for path in paths if path.is_file()}

    def bind(self, stack: ExitStack, source: Path, target: Path) -> None:
        """Let a file or folder be seen at the place of another one until the stack is closed."""
        bind(stack, source, target)
        self.is_covered = True
        stack.callback(setattr, self, "is_covered", False)

    def aside(self, path: Path) -> Path:
        """Move a file or folder out of the way, on its file system."""
        top = next(top for top in self.tops if path.is_relative_to(top))
        folder = top / "aside"
        folder.mkdir(exist_ok=True)
        return path.rename(folder / f"{next(self._numbers)}-{path.name}")

    def link(self, path: Path, to: Path) -> None:
        """Put a link to another file in the place of a file.

        The file goes only if the other one is real and has its content; else it is kept aside.
        """
        if not is_real(to) or not path.parent.is_dir():
            return
        if is_real(path) and path.read_bytes() == to.read_bytes():
            path.unlink()
        elif os.path.lexists(path):
            self.aside(path)
        path.symlink_to(to)

    def empty(self, folder: Path, into: Path) -> None:
        """Remove a folder after its files are in another one, unless they were there."""
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            same = into / path.name
            if is_real(path) and is_real(same) and same.read_bytes() == path.read_bytes():
                path.unlink()
            elif os.path.lexists(same) or path.is_dir():
                self.aside(path)
            else:
                shutil.move(path, same)
        if folder.is_dir():
            folder.rmdir()


def is_real(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def real_files(*tops: Path) -> Iterator[Path]:
    """All regular files below; no link is followed."""
    for top in tops:
        for folder, _, names in os.walk(top):
            yield from (path for path in (Path(folder, name) for name in names) if is_real(path))


def _nothing(scene: TiedScene, stack: ExitStack) -> None:
    """Nobody did anything in between."""


def _links_to_copies(scene: TiedScene, stack: ExitStack) -> None:
    for source, target in scene.pairs:
        scene.link(source, target)


def _copies_to_links(scene: TiedScene, stack: ExitStack) -> None:
    for source, target in scene.pairs:
        scene.link(target, source)


def _twins_crossed(scene: TiedScene, stack: ExitStack) -> None:
    scene.link(scene.scans / "twin1.png", scene.threes / "twin2.png")
    scene.link(scene.scans / "twin2.png", scene.threes / "twin1.png")


def _symbolic_links_of(*tops: str) -> Callable[[TiedScene, ExitStack], None]:
    """As ``rdfind -makesymlinks true`` with the folders in this order."""

    def act(scene: TiedScene, stack: ExitStack) -> None:
        first: dict[bytes, Path] = {}
        for path in _ranked(scene, tops):
            kept = first.setdefault(path.read_bytes(), path)
            if kept != path:
                scene.link(path, kept)

    return act


def _hard_links(scene: TiedScene, stack: ExitStack) -> None:
    """As ``rdfind -makehardlinks true`` does it, on each file system."""
    first: dict[tuple[int, bytes], Path] = {}
    for path in _ranked(scene, ("scans", "dest")):
        kept = first.setdefault((path.stat().st_dev, path.read_bytes()), path)
        if not kept.samefile(path):
            path.unlink()
            os.link(kept, path)


def _ranked(scene: TiedScene, tops: tuple[str, ...]) -> list[Path]:
    found = [sorted(real_files(getattr(scene, top))) for top in tops]
    return [path for paths in found for path in paths if path.suffix == ".png"]


def _chain(scene: TiedScene, stack: ExitStack) -> None:
    links = scene.tops[0] / "links"
    links.mkdir()
    for number, (source, target) in enumerate(scene.pairs):
        scene.link(source, target)
        if source.is_symlink():
            source.unlink()
            (links / f"{number}-2").symlink_to(target)
            (links / f"{number}-1").symlink_to(f"{number}-2")
            source.symlink_to(links / f"{number}-1")


def _folder_to_dest(scene: TiedScene, stack: ExitStack) -> None:
    if scene.threes.is_dir():
        scene.empty(scene.scans, scene.threes)
        scene.scans.symlink_to(scene.threes)


def _parent_to_dest(scene: TiedScene, stack: ExitStack) -> None:
    if scene.threes.is_dir():
        scene.empty(scene.scans, scene.threes)
        scene.parent.rmdir()
        elsewhere = scene.tops[1] / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "scans").symlink_to(scene.threes)
        scene.parent.symlink_to(elsewhere)


def _parent_moved(scene: TiedScene, stack: ExitStack) -> None:
    scene.parent.symlink_to(scene.aside(scene.parent))


def _dest_bound_to_scans(scene: TiedScene, stack: ExitStack) -> None:
    if scene.threes.is_dir():
        scene.bind(stack, scene.threes, scene.scans)


def _scans_bound_to_dest(scene: TiedScene, stack: ExitStack) -> None:
    if scene.threes.is_dir():
        scene.bind(stack, scene.scans, scene.threes)


def _copies_bound_to_scans(scene: TiedScene, stack: ExitStack) -> None:
    for source, target in scene.pairs[:2]:
        if is_real(target):
            if is_real(source):
                scene.aside(source)
            source.touch()
            scene.bind(stack, target, source)


def _scans_moved(scene: TiedScene, stack: ExitStack) -> None:
    for source, _ in scene.pairs:
        if is_real(source):
            source.symlink_to(scene.aside(source))


def _folder_moved(scene: TiedScene, stack: ExitStack) -> None:
    scene.scans.symlink_to(scene.aside(scene.scans))


def _dest_to_folder(scene: TiedScene, stack: ExitStack) -> None:
    if scene.threes.is_dir():
        scene.empty(scene.threes, scene.scans)
        scene.threes.symlink_to(scene.scans)


def _dest_moved(scene: TiedScene, stack: ExitStack) -> None:
    scene.dest.symlink_to(scene.aside(scene.dest))


def _label_moved(scene: TiedScene, stack: ExitStack) -> None:
    if scene.threes.is_dir():
        scene.threes.symlink_to(scene.aside(scene.threes))


def _name_twins(scene: TiedScene, stack: ExitStack) -> None:
    """A scan gets a name that some file system takes for its own, which is a link to its copy then."""
    for source, target in scene.pairs:
        twin = source.with_name(_twin(source.name))
        if is_real(source) and not os.path.lexists(twin):
            source.rename(twin)
            source.symlink_to(target if is_real(target) else twin)


def _copies_get_name_twins(scene: TiedScene, stack: ExitStack) -> None:
    for source, target in scene.pairs:
        twin = target.with_name(_twin(target.name))
        if is_real(target) and not os.path.lexists(twin):
            target.rename(twin)
            scene.link(source, twin)


def _twin(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    other = unicodedata.normalize("NFD", stem)
    return (other if other != stem else stem.upper()) + suffix


def bind(stack: ExitStack, source: Path, target: Path) -> None:
    """Let a file or folder be seen at the place of another one until the stack is closed."""
    mount(stack, ["--bind", str(source), str(target)], target)


def mount(stack: ExitStack, arguments: list[str], target: Path) -> None:
    """Mount something until the stack is closed."""
    command = ["mount", *arguments]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a mount takes root")
    stack.callback(subprocess.run, ["umount", "--lazy", str(target)], check=True)


TIES: dict[str, Callable[[TiedScene, ExitStack], None]] = {
    "nothing": _nothing,
    "scans are links to their copies": _links_to_copies,
    "copies are links to their scans": _copies_to_links,
    "twins are links to the other one's copy": _twins_crossed,
    "rdfind -makesymlinks scans sorted": _symbolic_links_of("scans", "dest"),
    "rdfind -makesymlinks sorted scans": _symbolic_links_of("dest", "scans"),
    "rdfind -makehardlinks": _hard_links,
    "a chain of links": _chain,
    "the folder of scans is a link to DEST/3": _folder_to_dest,
    "a folder above is a link": _parent_to_dest,
    "a folder above was moved, a link left": _parent_moved,
    "DEST/3 is mounted on the scans": _dest_bound_to_scans,
    "the scans are mounted on DEST/3": _scans_bound_to_dest,
    "copies are mounted on their scans": _copies_bound_to_scans,
    "scans were moved, links left": _scans_moved,
    "the folder of scans was moved, a link left": _folder_moved,
    "DEST/3 is a link to the scans": _dest_to_folder,
    "DEST was moved, a link left": _dest_moved,
    "DEST/3 was moved, a link left": _label_moved,
    "twins of the scans' names": _name_twins,
    "twins of the copies' names": _copies_get_name_twins,
}
"""What somebody did in between."""

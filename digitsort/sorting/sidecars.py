"""Find the sidecar files of pictures: metadata under a picture's name, such as ``7.xmp``."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from digitsort.files.names import name_of, natural_key, split_path
from digitsort.sorting.inventory import Item

SUFFIXES = (".gt.txt", ".xmp", ".json", ".txt", ".xml", ".yaml", ".yml", ".aae")
"""Extensions of sidecars, in lower case. ``.csv`` is not among them: such a file is rarely about one
picture, and often one of digitsort's own tables."""


def base_of(name: str) -> str:
    """Return a sidecar's name without its extension; empty if the name is not that of a sidecar.

    >>> base_of("7.png.xmp"), base_of("7.XMP"), base_of("7.png")
    ('7.png', '7', '')
    """
    lower = name.lower()
    ending = next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), "")
    return name[: -len(ending)] if ending and not name.startswith(".") else ""


def name_beside(target: str, picture: str, sidecar: str) -> str:
    """Return the name that a sidecar gets beside the target of its picture.

    >>> name_beside("sorted/7/scan_2.png", "scan.png", "scan.xmp")
    'scan_2.xmp'
    >>> name_beside("sorted/7/scan_2.png", "scan.png", "scan.png.xmp")
    'scan_2.png.xmp'
    """
    now, before, name = name_of(target), name_of(picture), name_of(sidecar)
    base = base_of(name)
    kept = now if base == before else os.path.splitext(now)[0]
    return kept + name[len(base) :]


_Names = Mapping[str, list[str]]
"""Names of sidecars by their base (`base_of`)."""


@dataclass(slots=True)
class SideCars:
    """Sidecars of pictures, each given to one picture only: the first one that asks for it.

    Attributes
    ----------
    looks : bool
        Search the folders of pictures. Otherwise only sidecars that were sorted before are known.
    tables : frozenset of str
        Absolute paths of files that are not sidecars: the tables that the command reads.
    items : mapping of str to Item
        Sidecars in DEST, by the path that they came from.
    shared : set of str
        Sidecars that a second picture asked for.
    """

    looks: bool = False
    tables: frozenset[str] = frozenset()
    items: Mapping[str, Item] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    _given: set[str] = field(default_factory=set)
    _listed: dict[str, _Names] = field(default_factory=dict)
    _known: dict[str, _Names] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for source in self.items:
            folder, name = split_path(source)
            known[folder][base_of(name)].append(name)
        self._known.update(known)

    @property
    def may_be_some(self) -> bool:
        """Tell whether a picture can have sidecars at all."""
        return self.looks or bool(self.items)

    def sorted_of(self, picture: str) -> list[str]:
        """Return the sidecars of a picture that an earlier sort delivered, by their original paths."""
        folder, name = split_path(picture)
        return self._free(folder, name, self._known.get(folder, {}))

    def lying_by(self, picture: str) -> list[str]:
        """Return the sidecars that lie beside a picture; `picture` is an absolute path."""
        if not self.looks:
            return []
        folder, name = split_path(picture)
        if folder not in self._listed:
            self._listed[folder] = _listing(folder)
        found = self._free(folder, name, self._listed[folder])
        return [path for path in found if path not in self.tables and _is_beside(path, picture)]

    def give(self, sidecar: str) -> None:
        """Note that a sidecar goes with a picture."""
        self._given.add(sidecar)

    def _free(self, folder: str, name: str, names: _Names) -> list[str]:
        bases = dict.fromkeys((os.path.splitext(name)[0], name))
        paths = [os.path.join(folder, found) for base in bases for found in names.get(base, ())]
        self.shared.update(path for path in paths if path in self._given)
        return [path for path in paths if path not in self._given]


def _listing(folder: str) -> _Names:
    """Return the sidecars in a folder; none if it can't be listed, as its pictures fail then too."""
    names: dict[str, list[str]] = defaultdict(list)
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if base_of(entry.name) and _is_file(entry)]
    except OSError:
        return names
    for name in sorted(found, key=natural_key):
        names[base_of(name)].append(name)
    return names


def _is_beside(sidecar: str, picture: str) -> bool:
    """Tell whether a sidecar is no link, or leads to a file beside its picture.

    If the picture is a link too, it may lead to a sidecar of the file that the picture leads to. A link
    of a stranger may lead to any file of the user, whose content must not get into DEST.
    """
    if not os.path.islink(sidecar):
        return True
    folder, name = split_path(os.path.realpath(sidecar))
    if folder == os.path.realpath(os.path.dirname(picture)):
        return True
    above, real = split_path(os.path.realpath(picture))
    return folder == above and base_of(name) in (os.path.splitext(real)[0], real)


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() or entry.is_file(follow_symlinks=False)


def sidecars_of(items: Iterable[Item]) -> dict[str, Item]:
    """Return the sidecars among the items of a DEST, by the path that they came from."""
    return {item.source: item for item in items if item.is_sidecar}

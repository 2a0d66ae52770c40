"""Walk sources to a sorted stream of the files in them, and count what is skipped."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from digitsort.errors import DigitsortError, NothingToDoError, UsageError
from digitsort.files.names import is_url, name_of, name_of_key, natural_key, printable
from digitsort.files.places import parts_elsewhere
from digitsort.files.regular import NotRegularError, head_of
from digitsort.images.limits import (
    MAGIC_BYTES,
    MOST_BYTES,
    begins_as_picture,
    has_picture_suffix,
)
from digitsort.plural import plural
from digitsort.sources.archives import is_archive, members
from digitsort.sources.buckets import (
    UNKNOWN_SIZE,
    address_of,
    check_url,
    how_to_download,
    is_folder,
    list_folder,
    refuse_credentials,
    split_url,
)
from digitsort.sources.located import NOT_ON_DISK, Located, SourceError
from digitsort.sources.members import (
    inside,
    is_archive_folder,
    is_inside_archive,
    member_exists,
    read_located,
    split_member,
)

MOST_KINDS = 6
"""Largest number of extensions to name; the others are counted together."""

MOST_SUFFIXES = 1000
"""Largest number of extensions to count: a folder may contain ``x.000001`` to ``x.999999``."""

MOST_SUFFIX_CHARS = 10

OTHERS = "*"
"""Key for all extensions beyond `MOST_SUFFIXES`."""

NESTED = "archive inside an archive"
"""Key for the archives in archives, which are not read."""

PACKED_PDF = "PDF in an archive"
"""Key for the PDF files in archives, which `cut` does not read."""

REMOTE = "archive in a bucket"
"""Key for the archives in buckets, which are not read either."""

ARCHIVE_REMEDY = "--archives reads the pictures in .zip, .tar, .tar.gz and .tar.zst"

_ANY_NAME = "--any-name looks into every file"

REMEDIES = {
    ".heic": "pip install pillow-heif",
    ".heif": "pip install pillow-heif",
    ".pdf": "cut its ruled cells with digitsort cut, or save its pages as PNG",
    ".svg": "save it as PNG",
    ".psd": "save it as PNG",
    ".dng": "save it as JPEG",
    **dict.fromkeys((".zip", ".tar", ".tgz", ".gz", ".zst"), ARCHIVE_REMEDY),
    NESTED: "unpack the outer one",
    PACKED_PDF: "unpack the archive, and cut the ruled cells with digitsort cut",
    REMOTE: "download it, and classify the copy",
    "": _ANY_NAME,
}
"""Remedy for each extension of files that may contain digits."""


def suffix_of(name: str) -> str:
    """Return the extension of a visible file in lower case; empty if it has none."""
    stem, dot, suffix = name.rpartition(".")
    is_suffix = stem and suffix.isalnum() and len(suffix) <= MOST_SUFFIX_CHARS
    return dot + suffix.lower() if is_suffix else ""


def count_suffix(skipped: Counter[str], suffix: str) -> None:
    """Count a skipped file."""
    is_known = suffix in skipped or len(skipped) < MOST_SUFFIXES
    skipped[suffix if is_known else OTHERS] += 1


def describe_skipped(skipped: Counter[str], *, looked_inside: bool = False) -> list[str]:
    """Return a line with the counts, and a line with the remedy for each kind that could be read.

    Parameters
    ----------
    skipped : Counter of str
        Files by extension.
    looked_inside : bool
        Whether their content was checked and is not a picture.
    """
    if not skipped:
        return []
    first = f"{plural(skipped.total(), 'file')} skipped (not images): {_counts(skipped)}"
    return [first, *(line for line in _remedies(skipped) if not (looked_inside and _ANY_NAME in line))]


def describe_left_out(left_out: Counter[str]) -> str:
    """Return a line about the folders that were left out by their name."""
    named = [f"{printable(name)} ({count})" for name, count in sorted(left_out.items())]
    more = ", …" * (len(named) > MOST_KINDS)
    return f"left out by name: {', '.join(named[:MOST_KINDS])}{more}"


def _counts(skipped: Counter[str]) -> str:
    ordered = sorted(skipped, key=lambda suffix: (suffix not in REMEDIES, -skipped[suffix], suffix))
    named = [suffix for suffix in ordered if suffix != OTHERS][:MOST_KINDS]
    parts = [f"{skipped[suffix]} {suffix or 'without extension'}" for suffix in named]
    rest = skipped.total() - sum(skipped[suffix] for suffix in named)
    if rest:
        parts.append(plural(rest, "other"))
    return ", ".join(parts)


def _remedies(skipped: Counter[str]) -> list[str]:
    kinds: dict[str, list[str]] = {}
    for suffix, remedy in REMEDIES.items():
        if skipped[suffix]:
            kinds.setdefault(remedy, []).append(suffix or "without extension")
    return [f"{', '.join(suffixes)}: {remedy}" for remedy, suffixes in kinds.items()]


JUNK_FOLDERS = frozenset(
    name.lower()
    for name in (
        *("lost+found", "$RECYCLE.BIN", "RECYCLER", "System Volume Information", "__MACOSX"),
        *("@eaDir", "@tmp", "#recycle", "@Recycle", "@Recently-Snapshot"),
    )
)
"""Lower-case names of folders that file systems, Windows, macOS and network drives make for themselves.
Their pictures are thumbnails or deleted files."""


@dataclass(slots=True)
class Walk:
    """Walk through sources; iterate `files` once, then read which files were skipped.

    Attributes
    ----------
    sources : sequence of str
        Files and folders, each existing.
    follow_links : bool
        Enter folders that are symbolic links; each real folder is entered once.
    exclude : str or None
        A folder whose content is never an input, by whatever path: a mount may show a part of it.
    any_name : bool
        Check the content of files whose extension is not that of a picture.
    patterns : sequence of str
        Files and folders whose name matches one of these shell patterns are left out.
    left_out : Counter of str
        Number of files and folders that were left out by a pattern, or as `JUNK_FOLDERS`; by pattern or
        name.
    pdf : bool
        Yield PDF files too.
    archives : bool
        Yield the members of archives in folders, as those of an archive that is named itself.
    skipped : Counter of str
        Number of files that are not pictures, by lower-case extension, without hidden files.
    unreadable : list of (path, reason)
        Folders that could not be listed.
    """

    sources: Sequence[str]
    follow_links: bool = False
    exclude: str | None = None
    any_name: bool = False
    patterns: Sequence[str] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    pdf: bool = False
    archives: bool = False
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    _above: str = ""
    _enters: bool = True

    def files(self) -> Iterator[str]:
        """Yield paths: source by source, folder by folder, names in natural order.

        A file that was named itself is yielded whatever it is called.
        """
        entered = self._parts_of_excluded()  # by all sources: links lead from one into another
        for source in _without_overlap(self.sources, self._is_seen, self.patterns):
            if is_url(source):
                yield from self._walk_url(source)
            elif os.path.isdir(source):
                yield from self._walk(source, entered)
            elif is_archive(source) and not is_inside_archive(source):
                yield from self._members(source)
            elif (found := split_member(source)) and is_archive_folder(source):
                yield from self._members(*found)
            else:
                yield source

    def _walk(self, top: str, entered: set[tuple[int, int]]) -> Iterator[str]:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if not self._may_enter(folder, entered):
                continue
            files, folders = self._list(folder)
            below = os.path.join(folder, "")
            while files:  # what was given out is forgotten
                path = below + (name := name_of_key(files.pop()))
                if self.archives and is_archive(name):
                    yield from self._members(path)
                elif not self.any_name or self._is_named(name) or _begins_as_picture(path):
                    yield path
                else:
                    count_suffix(self.skipped, suffix_of(name))
            waiting.extend(below + name_of_key(key) for key in folders)

    def _walk_url(self, top: str) -> Iterator[str]:
        """Yield the objects of a bucket as a walk through a copy of it would."""
        refuse_credentials(top)
        if is_archive(top):
            yield Located(top, NOT_ON_DISK)
            return
        if has_picture_suffix(top):  # asking would take a request for each
            yield Located(top, UNKNOWN_SIZE)
            return
        try:
            waiting = [top] if is_folder(top) else []
        except SourceError as error:
            yield Located(top, error.reason)
            return
        if not waiting:
            yield Located(top, UNKNOWN_SIZE)
        while waiting:
            folder = waiting.pop()
            files, folders = self._list_url(folder)
            while files:
                key, size = files.pop()
                name = name_of_key(key)
                yield Located(f"{folder}/{name}", NOT_ON_DISK if is_archive(name) else size)
            waiting.extend(f"{folder}/{name_of_key(key)}" for key in folders)

    def _list_url(self, folder: str) -> tuple[list[tuple[str, int]], list[str]]:
        """Packed names and sizes of the picture files of a folder, and its sub-folders, reversed."""
        files: list[tuple[str, int]] = []
        folders: list[str] = []
        try:
            for name, is_below, size in list_folder(folder):
                if not name:
                    self.unreadable.append((f"{folder}//", "a name without characters"))
                elif name.startswith(".") or (self.patterns and self._is_left_out(name)):
                    continue
                elif is_below and is_junk(name):
                    self.left_out[name] += 1
                elif is_below:
                    folders.append(natural_key(name))
                elif self.any_name or self._is_named(name):
                    files.append((natural_key(name), size))
                else:
                    count_suffix(self.skipped, REMOTE if is_archive(name) else suffix_of(name))
        except SourceError as error:
            self.unreadable.append((folder, error.reason))
        return sorted(files, reverse=True), sorted(folders, reverse=True)

    def _members(self, archive: str, folder: str = "") -> Iterator[str]:
        """Yield the pictures in a folder of an archive, and a last path if the archive is broken."""
        below = inside(folder)

        def wants(member: str) -> bool:
            return member.startswith(below) and self._wants_member(member[len(below) :])

        for path in members(archive, wants if below else self._wants_member):
            if not self.any_name or path == archive or self._is_named(path) or _shows_picture(path):
                yield path
            else:
                count_suffix(self.skipped, suffix_of(name_of(path)))

    def _wants_member(self, member: str) -> bool:
        """Return whether a member is read; what a folder's walk leaves out, is left out here too."""
        above, _, name = member.rpartition("/")
        if above != self._above:  # members follow one another in a folder
            self._above, self._enters = above, self._enters_all(above.split("/"))
        if not self._enters or name.startswith(".") or (self.patterns and self._is_left_out(name)):
            return False
        if has_picture_suffix(name):
            return True
        if is_archive(name):
            count_suffix(self.skipped, NESTED)
            return False
        if self.any_name:
            return True
        suffix = suffix_of(name)
        count_suffix(self.skipped, PACKED_PDF if suffix == ".pdf" else suffix)
        return False

    def _enters_all(self, folders: Sequence[str]) -> bool:
        """Return whether a walk would enter each of these folders."""
        if any(folder.startswith(".") for folder in folders):
            return False
        if self.patterns and any(map(self._is_left_out, folders)):
            return False
        for junk in filter(is_junk, folders):
            self.left_out[junk] += 1
            return False
        return True

    def _is_seen(self, path: Path) -> bool:
        """Return whether a walk through its folder yields a visible file."""
        return self._is_named(path.name) or (self.any_name and _begins_as_picture(str(path)))

    def _is_named(self, name: str) -> bool:
        if self.archives and is_archive(name):
            return True
        return has_picture_suffix(name) or (self.pdf and suffix_of(name) == PDF_SUFFIX)

    def _may_enter(self, folder: str, entered: set[tuple[int, int]]) -> bool:
        """Excluded folders are not entered, and with links none twice, so that loops are harmless."""
        if self.exclude is None and not self.follow_links:
            return True
        try:
            status = os.stat(folder)
        except OSError as error:
            self.unreadable.append((folder, error.strerror or str(error)))
            return False
        identity = (status.st_dev, status.st_ino)
        if self._is_excluded(identity) or identity in entered:
            return False
        if self.follow_links:
            entered.add(identity)
        return True

    def _parts_of_excluded(self) -> set[tuple[int, int]]:
        """Return device and inode of the folders that are parts of the excluded one by a mount.

        A source that was named itself is none of them: a folder of DEST can be sorted again.
        """
        if self.exclude is None:
            return set()
        parts = set(map(_device_and_inode, parts_elsewhere(self.exclude)))
        return parts.difference(map(_device_and_inode, self.sources)) if parts else parts

    def _is_excluded(self, identity: tuple[int, int]) -> bool:
        """By device and inode: to resolve the path of each folder takes cubic time in their depth."""
        if self.exclude is None:
            return False
        try:
            status = os.stat(self.exclude)
        except OSError:  # it is not there, so no folder is it
            return False
        return identity == (status.st_dev, status.st_ino)

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        """Packed names of the picture files and sub-folders of a folder, each the last one first."""
        files: list[str] = []
        folders: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._note(entry, files, folders)
        except OSError as error:
            self.unreadable.append((folder, error.strerror or str(error)))
            return [], []
        files.sort(reverse=True)
        folders.sort(reverse=True)
        return files, folders

    def _note(self, entry: os.DirEntry[str], files: list[str], folders: list[str]) -> None:
        if entry.name.startswith(".") or (self.patterns and self._is_left_out(entry.name)):
            return
        if _is_folder(entry):
            if is_junk(entry.name):
                self.left_out[entry.name] += 1
            elif self.follow_links or not entry.is_symlink():
                folders.append(natural_key(entry.name))
        elif self.any_name or self._is_named(entry.name):
            files.append(natural_key(entry.name))
        else:
            count_suffix(self.skipped, suffix_of(entry.name))

    def _is_left_out(self, name: str) -> bool:
        found = matching(name, self.patterns)
        if found:
            self.left_out[found] += 1
        return bool(found)


def _device_and_inode(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # it was unmounted meanwhile
        return 0, 0
    return status.st_dev, status.st_ino


def is_junk(folder: str) -> bool:
    """Return whether a folder's name is one of `JUNK_FOLDERS`."""
    return folder.lower() in JUNK_FOLDERS


def matching(name: str, patterns: Sequence[str]) -> str:
    """Return the first shell pattern that matches a name; empty if none does."""
    return next((pattern for pattern in patterns if fnmatchcase(name, pattern)), "")


def matching_path(path: str, top: str, patterns: Sequence[str]) -> str:
    """Return the first shell pattern that matches a file's name or that of a folder below `top`.

    `top` is an absolute path.
    """
    whole, above = os.path.abspath(path), os.path.join(top, "")
    parts = whole[len(above) :].split(os.sep) if whole.startswith(above) else [os.path.basename(path)]
    return next((found for part in parts if (found := matching(part, patterns))), "")


PDF_SUFFIX = ".pdf"


def nothing_found(walk: Walk, message: str) -> DigitsortError:
    """Return the error of a run without images; where a folder can't be listed, this is the cause."""
    for folder, reason in walk.unreadable:
        return DigitsortError(
            f"{printable(folder)} can't be listed: {reason}. No images were found elsewhere. Make the "
            "folder readable, or name another one."
        )
    lines = describe_skipped(walk.skipped)
    if walk.left_out:
        lines = [*lines, describe_left_out(walk.left_out)]
    return NothingToDoError(" ".join([message, *(f"{line}." for line in lines)]))


def check_sources(sources: Sequence[str | Path]) -> list[str]:
    """The sources as strings; raises UsageError for one that does not exist."""
    paths = [split_url(os.fspath(source)) for source in sources]
    for path in paths:
        if is_url(path):
            check_url(path)
            continue
        try:
            os.lstat(path)  # a dangling link is there: it becomes a row with the reason
        except OSError as error:
            is_inside = isinstance(error, NotADirectoryError)
            if is_inside and (member_exists(path) or is_archive_folder(path)):
                continue
            refuse_address(path)
            why = "not in the archive" if is_inside and split_member(path) else error.strerror
            raise UsageError(f"{printable(path)}: {why}. Name a file or folder that exists.") from error
    return paths


def refuse_address(path: str) -> None:
    """Raise UsageError for a path that is an address, where only files on a disk are read."""
    url = path if is_url(path) else address_of(path)
    if url:
        how, folder = how_to_download(split_url(url))
        raise UsageError(
            f"{printable(url)} is an address, and this command reads files on a disk. {how}, and name "
            f"{folder} instead."
        )


def _begins_as_picture(path: str) -> bool:
    """Return whether a file contains a picture; True if it is unreadable, so that it gets a row."""
    try:
        return begins_as_picture(head_of(path, MAGIC_BYTES))
    except NotRegularError:
        return False
    except OSError:
        return True


def _shows_picture(path: Located) -> bool:
    """Return whether a member contains a picture; True if it is unreadable, so that it gets a row."""
    try:
        return begins_as_picture(read_located(path, MOST_BYTES)[:MAGIC_BYTES])
    except OSError:
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads nowhere or round in circles is a file that can't be read
        return False


def _without_overlap(
    sources: Sequence[str], is_seen: Callable[[Path], bool], patterns: Sequence[str]
) -> list[str]:
    """Sources that the walk through another one would not reach anyway, each once."""
    urls = [source for source in sources if is_url(source)]
    if urls:
        return _urls_without_overlap(sources, is_seen, patterns)
    real = {source: _identity(source) for source in sources}
    folders = [path for path in real.values() if _is_walked(path)]
    kept: dict[Path, str] = {}
    for source, path in real.items():
        if not any(_reaches(folder, path, is_seen, patterns) for folder in folders):
            kept.setdefault(path, source)
    return list(kept.values())


def _urls_without_overlap(
    sources: Sequence[str], is_seen: Callable[[Path], bool], patterns: Sequence[str]
) -> list[str]:
    """Sources of which some are addresses, each once, without what is below another address."""
    urls = dict.fromkeys(source for source in sources if is_url(source))
    files = [source for source in sources if source not in urls]
    kept = set(_without_overlap(files, is_seen, patterns))
    kept |= {url for url in urls if not any(url.startswith(f"{other}/") for other in urls)}
    return [source for source in dict.fromkeys(sources) if source in kept]


def _is_walked(path: Path) -> bool:
    """Return whether a source is a folder, an archive, or a folder in an archive."""
    name = str(path)
    return os.path.isdir(path) or (is_archive(name) and os.path.isfile(path)) or is_archive_folder(name)


def _identity(source: str) -> Path:
    """A folder's real path; a file's own path, for a link to a file is read under its own name."""
    if os.path.isdir(source):
        return Path(os.path.realpath(source))
    folder, name = os.path.split(os.path.abspath(source))
    return Path(os.path.realpath(folder), name)


def _reaches(
    folder: Path, path: Path, is_seen: Callable[[Path], bool], patterns: Sequence[str]
) -> bool:
    """Tell whether a walk through `folder` comes past `path`, another source."""
    if folder == path or not path.is_relative_to(folder):
        return False
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") or is_junk(part) or matching(part, patterns) for part in parts)
    if hidden or ((archive := _archive_below(folder, path)) and not is_seen(archive)):
        return False
    return os.path.isdir(path) or is_seen(path) or is_archive_folder(str(path))


def _archive_below(folder: Path, path: Path) -> Path | None:
    """Return the archive in a folder that a path leads through; None if there is none."""
    found = split_member(str(path)) if is_inside_archive(str(path)) else None
    is_below = found is not None and Path(found[0]) != folder and Path(found[0]).is_relative_to(folder)
    return Path(found[0]) if found is not None and is_below else None

"""Turn what `train -d` names into labelled gray images."""

from __future__ import annotations

import os
import shlex
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitsort.errors import TrainingDataError, UsageError
from digitsort.files.names import natural_key, printable
from digitsort.files.own_folder import CACHE_REMEDY, NotPrivateError, private_cache_folder
from digitsort.images.discover import Walk, describe_left_out, is_junk, matching, refuse_address
from digitsort.images.limits import DEFAULT_LIMITS, Limits
from digitsort.labels.cells import Findings
from digitsort.labels.labels_csv import NONE_LABEL, TABLE_SUFFIXES
from digitsort.model.card import class_name_fault
from digitsort.plural import first_few
from digitsort.recognition.canvas import Gray
from digitsort.sources.archives import is_archive
from digitsort.sources.located import without_content
from digitsort.sources.members import is_archive_folder
from digitsort.training.arrays import NPZ_SUFFIX, idx_files, open_npz, open_table, read_idx_folder
from digitsort.training.examples import (
    Dataset,
    LabelledGray,
    check_class_count,
    dataset_of_arrays,
    known_to_default,
    not_listed,
    read_or_refuse,
    require_listed,
)
from digitsort.training.handwriting.generate import write_digits
from digitsort.training.labelled import datasets_of, find_labelled, labelled_corrections
from digitsort.training.printed import find_faces, print_digits

if TYPE_CHECKING:
    from digitsort.labels.corrections import Corrections

SYNTHETIC_COUNT = 2000
"""Default number of images per digit; about 1,500 of them are in the fit, and more did not help."""

SYNTHETIC_SEED = 0
MOST_SYNTHETIC = 100_000

SPLIT_NAMES = frozenset("train training test testing val valid validation dev".split())
"""Names of folders that are parts of a data set, if there are folders in them."""

MOST_NAMED = 10
"""Largest number of folders to name in a note."""


def open_datasets(
    names: Sequence[str],
    corrections: Corrections | None = None,
    *,
    trust_machine: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    tables: dict[str, Findings] | None = None,
    exclude: Sequence[str] = (),
) -> list[Dataset]:
    """Find the data set for each name.

    Parameters
    ----------
    names : sequence of str
        ``default`` (what the default model knows), ``digits``, ``synthetic`` or ``synthetic:N``,
        ``printed`` or ``printed:N``, ``mnist``, a folder of IDX files, one of folders named by class,
        one that `sort` made, an archive of folders named by class, a labels.csv, a table with the
        columns path and label, a CSV of pixels, or an npz file.
    corrections : Corrections, optional
        A person's labels for the images of each labels.csv and sorted folder. If no name is one of
        these, the corrections are a data set themselves.
    trust_machine : bool
        Also use the labels that a model gave, in a labels.csv or a sorted folder.
    limits : Limits
        Limits for picture files.
    tables : dict of str to Findings, optional
        Receives observations about each table, by the name of the data.
    exclude : sequence of str
        Shell patterns for names of files and folders that are left out of folders of classes.

    Raises
    ------
    UsageError
        For a name that is none of these.
    TrainingDataError
        For data that exists but cannot be used.
    """
    datasets, has_rows = [], False
    for name in names:
        with _permission_errors(name):
            findings = Findings()
            if plain := _open_arrays(name, limits):
                datasets.append(plain)
                continue
            found = find_labelled(name, corrections, findings)
            if tables is not None and found is not None:
                tables[name] = findings
            has_rows = has_rows or found is not None
            if found is None:
                datasets.append(_open(name, limits, exclude))
            else:
                datasets += datasets_of(found, name, trust_machine, limits)
    if corrections is not None and not has_rows:
        datasets += datasets_of(labelled_corrections(corrections), "corrections", trust_machine, limits)
    return datasets


@contextmanager
def _permission_errors(name: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise TrainingDataError(
            f"{printable(name)} can't be read: {error.strerror}. Choose data that you can read."
        ) from error


def _open_arrays(name: str, limits: Limits) -> Dataset | None:
    """Return the images of an npz, a table of pixels, or a table of paths; None for anything else."""
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix not in (NPZ_SUFFIX, *TABLE_SUFFIXES) or not path.is_file():
        return None
    return open_npz(path) if suffix == NPZ_SUFFIX else open_table(path, limits)


def _open(name: str, limits: Limits, exclude: Sequence[str]) -> Dataset:
    if name == "default":
        return _default()
    if name == "digits":
        return _digits()
    if name == "synthetic" or name.startswith("synthetic:"):
        return _synthetic(_count("synthetic", name))
    if name == "printed" or name.startswith("printed:"):
        return _printed(_count("printed", name))
    if name == "mnist":
        return mnist_dataset()
    folder = Path(name)
    is_packed = (is_archive(name) and folder.is_file()) or is_archive_folder(name)
    if not is_packed and not os.path.isdir(folder):
        refuse_address(name)
        what = "is not training data" if os.path.lexists(folder) else "is not there"
        raise UsageError(
            f"{printable(name)} {what}. Choose default, digits, synthetic, printed, "
            "mnist, a folder (of folders named by class, or of IDX files), an archive of such folders, "
            "a CSV or an npz file."
        )
    if idx_files(folder):
        return _idx(folder)
    return (_archive if is_packed else _folders)(folder, limits, exclude)


def _default() -> Dataset:
    """Return what the default model knows, read from the package without making images again."""
    known = known_to_default()
    return Dataset("default", len(known.weights), lambda: iter(()), known=known)


def _digits() -> Dataset:
    """Return scikit-learn's load_digits: 1,797 digits of 8x8 pixels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return dataset_of_arrays("digits", list(map(digits_to_gray, digits.images)), digits.target)


def _synthetic(count_per_digit: int) -> Dataset:
    """Return generated handwriting, `count_per_digit` images of each digit."""

    def load() -> Iterator[LabelledGray]:
        yield from write_digits(count_per_digit, SYNTHETIC_SEED)

    return Dataset(f"synthetic:{count_per_digit}", 10 * count_per_digit, load, invented=True)


def _printed(count_per_digit: int) -> Dataset:
    """Return printed digits, from fonts and as displays and counters show them."""

    def load() -> Iterator[LabelledGray]:
        yield from print_digits(count_per_digit, SYNTHETIC_SEED, find_faces())

    return Dataset(f"printed:{count_per_digit}", 10 * count_per_digit, load, invented=True)


def _count(kind: str, name: str) -> int:
    number = name.removeprefix(kind).removeprefix(":") or str(SYNTHETIC_COUNT)
    is_number = number.isdecimal() and len(number) <= len(str(MOST_SYNTHETIC))
    if not is_number or not 0 < int(number) <= MOST_SYNTHETIC:
        raise UsageError(
            f"{printable(name)}: say how many images of each digit to invent, 1 to {MOST_SYNTHETIC}: "
            f"{kind}:{SYNTHETIC_COUNT}."
        )
    return int(number)


def digits_to_gray(image: Any) -> Gray:
    """Convert an image of load_digits (8, 8), 0-16, to uint8."""
    gray: Gray = np.rint(image * (255 / 16)).astype(np.uint8)
    return gray


def _idx(folder: Path) -> Dataset:
    return dataset_of_arrays(f"idx:{printable(folder.resolve().name)}", *read_idx_folder(folder))


def mnist_dataset(fetch: Callable[..., Any] | None = None) -> Dataset:
    """Return MNIST's 70,000 digits, downloaded through OpenML into the cache folder.

    Parameters
    ----------
    fetch : callable, optional
        Takes the place of `sklearn.datasets.fetch_openml`.
    """
    found = fetched("mnist_784", 1, fetch)
    return dataset_of_arrays(
        "mnist", np.asarray(found.data, np.uint8).reshape(-1, 28, 28), found.target
    )


def fetched(name: str, version: int, fetch: Callable[..., Any] | None = None) -> Any:
    """Download a data set through OpenML, once; raises TrainingDataError if that fails."""
    if fetch is None:
        from sklearn.datasets import fetch_openml

        fetch = fetch_openml
    shown = "MNIST" if name == "mnist_784" else name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each retry is one; a failure is said below
            return fetch(
                name,
                version=version,
                as_frame=False,
                parser="liac-arff",
                data_home=str(private_cache_folder() / "openml"),
            )
    except NotPrivateError as error:
        raise TrainingDataError(f"{shown} can't be kept: {error.strerror}. {CACHE_REMEDY}") from error
    except OSError as error:  # URLError and HTTPError are OSErrors
        raise TrainingDataError(
            f"{shown} can't be downloaded from OpenML ({error}). Connect to the internet, or name a "
            "folder with MNIST's IDX files: -d FOLDER."
        ) from error


def _folders(folder: Path, limits: Limits, exclude: Sequence[str] = ()) -> Dataset:
    """Return the images of a folder of folders, named by class; `_none` means "not a digit"."""
    names = sorted(_folders_in(folder), key=natural_key)
    why = {name: reason for name in names if (reason := _why_left_out(name, exclude))}
    classes = [name for name in names if name not in why]
    _refuse_split(folder, classes)
    check_class_count(len(classes))
    if not classes:
        raise TrainingDataError(
            f"{printable(str(folder))} has no folders named by class. {_instead_of(folder)}"
        )
    _check_names(folder, classes)
    left_out: Counter[str] = Counter()
    files = {name: _files_in(folder / name, exclude, left_out) for name in classes}
    empty = [name for name in classes if not files[name]]
    if empty:
        raise TrainingDataError(
            f"{printable(str(folder / empty[0]))} has no images. Add some, or remove the folder."
        )

    name = f"folder:{printable(folder.resolve().name)}"
    return _of_files(name, files, limits, _note(why, left_out))


def _archive(archive: Path, limits: Limits, exclude: Sequence[str] = ()) -> Dataset:
    """Return the images of an archive of folders named by class, or of a folder in an archive.

    They are those of the unpacked folder. If all are in one folder, the classes are those in that one.
    """
    left_out: Counter[str] = Counter()
    why: dict[str, str] = {}
    files: dict[str, list[str]] = {}
    for (name, *_), path in _members_of(archive, exclude, left_out):
        if reason := _why_left_out(name, exclude):
            why[name] = reason
        else:
            files.setdefault(name, []).append(path)
    check_class_count(len(files))
    if not files or all(name.lower() in SPLIT_NAMES for name in files):
        raise TrainingDataError(
            f"{printable(str(archive))} has no folders named by class. Put the images of each class "
            "into a folder of its name, 0, 1, … 9, or name the folder in it that has these."
        )
    _check_names(archive, list(files))
    return _of_files(f"archive:{printable(archive.name)}", files, limits, _note(why, left_out))


def _members_of(
    archive: Path, exclude: Sequence[str], left_out: Counter[str]
) -> list[tuple[list[str], str]]:
    """Return folders and name of each image in a folder, and its path, as a walk through them would."""
    walk, below = Walk([str(archive)], patterns=exclude, left_out=left_out), f"{archive}/"
    found: list[tuple[list[str], str]] = []
    for path in map(without_content, walk.files()):
        if not path.startswith(below):
            read_or_refuse(path, DEFAULT_LIMITS)  # says what is wrong with the archive
        names = path.removeprefix(below).split("/")
        if len(names) > 1:
            found.append((names, path))
    while found and all(len(names) > 2 and names[0] == found[0][0][0] for names, _ in found):
        found = [(names[1:], path) for names, path in found]
    return sorted(
        found, key=lambda pair: ([natural_key(name) for name in pair[0][:-1]], natural_key(pair[0][-1]))
    )


def _check_names(folder: Path, classes: Sequence[str]) -> None:
    for name in classes:
        if fault := class_name_fault(name):
            raise TrainingDataError(
                f"{printable(str(folder / name))}: a class of this name {fault}. Rename the folder."
            )


def _of_files(name: str, files: Mapping[str, Sequence[str]], limits: Limits, note: str) -> Dataset:
    """Return the data set of the files of each class."""

    def load() -> Iterator[LabelledGray]:
        for label, paths in files.items():
            for path in paths:
                yield read_or_refuse(path, limits), label

    paths = [path for label in files for path in files[label]]
    return Dataset(name, len(paths), load, paths=paths, note=note)


def _instead_of(folder: Path) -> str:
    """Return what to do with a folder without folders: it may have a table or an npz."""
    try:
        names = sorted(os.listdir(folder), key=natural_key)
    except OSError:
        names = []
    for name in names:
        if Path(name).suffix.lower() in (NPZ_SUFFIX, *TABLE_SUFFIXES):
            return f"If {printable(name)} has the labels, name it: -d {printable(str(folder / name))}."
    return "Put the images of each class into a folder of its name: 0, 1, … 9."


def _folders_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
    except OSError as error:
        raise TrainingDataError(not_listed(str(folder), error.strerror or str(error))) from error


def _files_in(folder: Path, exclude: Sequence[str], left_out: Counter[str]) -> list[str]:
    walk = Walk([str(folder)], patterns=exclude, left_out=left_out)
    files = list(walk.files())
    require_listed(walk)
    return files


def _why_left_out(name: str, exclude: Sequence[str]) -> str:
    """Return why a folder is no class, in a few words; empty if it is one."""
    if matching(name, exclude):
        return "--exclude"
    if is_junk(name):
        return "no data"
    if name.startswith("."):
        return "hidden"
    return "begins with _" if name.startswith("_") and name != NONE_LABEL else ""


def _note(why: Mapping[str, str], inside: Counter[str]) -> str:
    """Return what was left out of a folder of folders; empty if nothing was."""
    named = [f"{printable(name)} ({reason})" for name, reason in why.items()]
    parts = [f"left out {first_few(named, MOST_NAMED)}"] if named else []
    return ", ".join([*parts, *([describe_left_out(inside)] if inside else [])])


def _refuse_split(folder: Path, names: Sequence[str]) -> None:
    """Raise TrainingDataError if the folders are parts of a data set, with folders of classes."""
    if not names or not all(name.lower() in SPLIT_NAMES for name in names):
        return
    if any(map(_folders_in, (folder / name for name in names))):
        parts = " ".join(f"-d {shlex.quote(printable(str(folder / name)))}" for name in names)
        raise TrainingDataError(
            f"{printable(str(folder))} has no classes, but {' and '.join(names)} with folders of "
            f"classes. Name these: {parts}. Images that are in both count once."
        )

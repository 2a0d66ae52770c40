"""Count the files that a walk skipped, by extension, and describe how to read them."""

from __future__ import annotations

from collections import Counter

from digitsort.plural import plural

MOST_KINDS = 6
"""Largest number of extensions to name; the others are counted together."""

MOST_SUFFIXES = 1000
"""Largest number of extensions to count: a folder may contain ``x.000001`` to ``x.999999``."""

MOST_SUFFIX_CHARS = 10

OTHERS = "*"
"""Key for all extensions beyond `MOST_SUFFIXES`."""

_ANY_NAME = "--any-name looks into every file"

REMEDIES = {
    ".heic": "pip install pillow-heif",
    ".heif": "pip install pillow-heif",
    ".pdf": "save its pages as PNG or TIFF",
    ".svg": "save it as PNG",
    ".psd": "save it as PNG",
    ".dng": "save it as JPEG",
    ".zip": "unpack it",
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


def _counts(skipped: Counter[str]) -> str:
    ordered = sorted(skipped, key=lambda suffix: (suffix not in REMEDIES, -skipped[suffix], suffix))
    named = [suffix for suffix in ordered if suffix != OTHERS][:MOST_KINDS]
    parts = [f"{skipped[suffix]} {suffix or 'without extension'}" for suffix in named]
    rest = skipped.total() - sum(skipped[suffix] for suffix in named)
    if rest:
        parts.append(plural(rest, "other"))
    return ", ".join(parts)


def _remedies(skipped: Counter[str]) -> list[str]:
    return [
        f"{suffix or 'without extension'}: {remedy}"
        for suffix, remedy in REMEDIES.items()
        if skipped[suffix]
    ]

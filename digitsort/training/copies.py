"""Find images that are the same picture, so that copies count once.

Two images are copies where their normalized ink (32, 32) is the same: the model can't tell them apart.
Copies say nothing new of a model, and one that was fitted to says nothing of it at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

_HASH_BYTES = 16


def picture_hashes(normal: npt.NDArray[np.uint8]) -> list[bytes]:
    """Hash normalized images (n, 32, 32); copies have the same hash, and nothing else has."""
    return [blake2b(image.tobytes(), digest_size=_HASH_BYTES).digest() for image in normal]


def first_of_each(keys: Iterable[object], known: Collection[object] = ()) -> list[int]:
    """Positions of the keys that are neither known nor the same as an earlier one."""
    seen = set(known)
    first = []
    for index, key in enumerate(keys):
        if key not in seen:
            seen.add(key)
            first.append(index)
    return first


def describe_copies(copies: int, count: int, disputed: int) -> list[str]:
    """Say how many of `count` images are copies, and how many pictures have several labels."""
    lines = []
    if copies:
        are = "is a copy of another and counts" if copies == 1 else "are copies of others and count"
        lines.append(f"{copies} of {count} images {are} once.")
    if disputed:
        pictures = "image has" if disputed == 1 else "images have"
        lines.append(f"{disputed} {pictures} copies with different labels.")
    return lines

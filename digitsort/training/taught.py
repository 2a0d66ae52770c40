"""Split a person's labels: most are learned from, some are kept to see whether that helped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.progress import Progress
from digitsort.training.dataset import Dataset, check_class_count
from digitsort.training.examples import LEAST_PER_CLASS, Examples, vectors_of, without_copies

KEPT_SHARE = 0.2
"""Of the labels of each class that is kept for the test."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A person's examples.

    Attributes
    ----------
    learned : Examples
        All of them are fitted to; none has a part in calibration and certification.
    kept : Examples
        For the test.
    left : Counter of str
        Examples of classes that nothing else knows and that are too few to be learned.
    copies : int
        Images left out as copies of others.
    """

    learned: Examples
    kept: Examples
    left: Counter[str]
    copies: int = 0


def teach(by_hand: Sequence[Dataset], known: Examples, progress: Progress) -> Taught:
    """Gather and split what a person labelled.

    Parameters
    ----------
    by_hand : sequence of Dataset
        Each sorted by label and content: as long as few are added, the same images are kept again.
    known : Examples
        The other data. What a person labelled as it is labelled there is a copy: it may test the model.
    """
    gathered = without_copies(vectors_of(by_hand, progress), known)
    examples = gathered.examples
    counts = Counter(examples.labels.tolist())
    classes = set(known.labels.tolist())
    check_class_count(len(classes.union(counts)))
    left = {n: c for n, c in counts.items() if n not in classes and c < LEAST_PER_CLASS}
    examples = examples[np.flatnonzero(~np.isin(examples.labels, list(left)))]
    is_kept = _first_of_each(examples.labels.tolist())
    learned, kept = examples[np.flatnonzero(~is_kept)], examples[np.flatnonzero(is_kept)]
    return Taught(learned, kept, Counter(left), gathered.copies)


def _first_of_each(labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Mark the first fifth of each label."""
    counts, seen = Counter(labels), Counter[str]()
    marked = np.zeros(len(labels), np.bool_)
    for index, label in enumerate(labels):
        marked[index] = seen[label] < round(KEPT_SHARE * counts[label])
        seen[label] += 1
    return marked

"""Compare scans with accepted scans of the same table: which are unlike their label, and why."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from digitsort.files.names import natural_key
from digitsort.labels.labels_csv import confidence_of
from digitsort.progress import Progress, silent
from digitsort.review.choose import Chooser, Numbered
from digitsort.review.thumbnails import Wanted, thumbnails

Floats = npt.NDArray[np.float32]

REFERENCES_PER_LABEL = 200
"""Number of accepted scans of each label that others are compared with."""

NEAREST = 10
"""Number of most similar references of a label whose mean similarity is the similarity to it."""

LEAST_REFERENCES = 5
"""A label with fewer references is not compared with."""

HINT_SHARE, HINT_LIKENESS = 0.8, 0.9
"""A hint is given if this share of the nearest references has its label, and the mean cosine to the
nearest three is this high. These numbers and those above were chosen on scans made from the first half
of MNIST's training digits; `benchmarks.review_keys` measures on the other half."""

OWN_WEIGHT, RIDGE = 1.5, 1.0
"""Weight of the similarity to the own label, relative to that to the most similar other one; and what
is added to the variance of each direction before it is made equal, as a share of the mean variance."""

DOUBT_WEIGHT, LEAST_DOUBT = 0.5, 1e-4
"""Weight of the model's own doubt about an accepted label, relative to the likeness, and what is added
to one minus the confidence before its logarithm is taken (confidences have four decimals). These four
numbers were chosen on 23 folders made from the first half of MNIST's training digits and from half of
the scans without a digit. Of their 379 mistakes, 324 were among the suspicious rows; 297 without making
the directions equal, and with the best weights for that."""

ODD = 0.8
"""Below this cosine a scan is like none of the accepted ones: such scans come last in their group."""

AT_ONCE = 1024
"""Number of vectors compared at a time, which bounds the memory."""


class Opinion(NamedTuple):
    """Opinion on one scan, from the accepted scans of a table.

    Attributes
    ----------
    label : str
        The label whose references are most similar; empty without references.
    likeness : float
        Cosine to them, 0-1.
    hint : str
        The label if it is clear enough to be shown; else empty.
    """

    label: str = ""
    likeness: float = 0.0
    hint: str = ""


@dataclass(frozen=True, eq=False)
class AcceptedScans:
    """Accepted scans that others are compared with.

    Attributes
    ----------
    labels : tuple of str
        Labels with enough references, in natural order.
    vectors : ndarray of shape (n, 392), float32
        Feature vectors of length 1, ordered by label.
    classes : ndarray of shape (n,), intp
        Index into `labels` of each.
    numbers : ndarray of shape (n,), int64
        Index of each row, so that no scan is compared with itself.
    """

    labels: tuple[str, ...]
    vectors: Floats
    classes: npt.NDArray[np.intp]
    numbers: npt.NDArray[np.int64]

    def opinions(self, vectors: Sequence[bytes], numbers: Sequence[int]) -> list[Opinion]:
        """Return an opinion on each scan, given its vector and the index of its row."""
        if not self.labels:
            return [Opinion()] * len(vectors)
        return [
            opinion
            for start in range(0, len(vectors), AT_ONCE)
            for opinion in self._opinions(
                vectors[start : start + AT_ONCE], numbers[start : start + AT_ONCE]
            )
        ]

    def similarities(self, cosines: Floats, nearest: int) -> Floats:
        """Return the mean of the highest cosines of each scan (m, n) to each label: (m, labels)."""
        means = [
            _highest(cosines[:, self.classes == index], nearest) for index in range(len(self.labels))
        ]
        return np.stack(means, axis=1)

    def cosines(self, vectors: Floats, numbers: Sequence[int]) -> Floats:
        """Return the cosines (m, n) to the references; -1 from a scan to itself."""
        cosines = vectors @ self.vectors.T
        cosines[np.asarray(numbers)[:, None] == self.numbers] = -1
        return cosines

    def _opinions(self, vectors: Sequence[bytes], numbers: Sequence[int]) -> list[Opinion]:
        cosines = self.cosines(unit_vectors(vectors), numbers)
        similar = self.similarities(cosines, 3)
        best, likeness = similar.argmax(axis=1), similar.max(axis=1)
        near = min(NEAREST, cosines.shape[1])
        nearest = self.classes[np.argpartition(-cosines, near - 1, axis=1)[:, :near]]
        is_clear = (nearest == best[:, None]).mean(axis=1) >= HINT_SHARE
        is_clear &= likeness >= HINT_LIKENESS
        names = [self.labels[index] for index in best]
        return [
            Opinion(name, float(like), name if clear else "")
            for name, like, clear in zip(names, likeness, is_clear, strict=True)
        ]


NO_REFERENCES = AcceptedScans(
    (), np.empty((0, 0), np.float32), np.empty(0, np.intp), np.empty(0, np.int64)
)


def unit_vectors(vectors: Sequence[bytes]) -> Floats:
    """Return the vectors of thumbnails with length 1, (n, 392); zeros for those without ink."""
    size = max(map(len, vectors), default=0)
    blank = bytes(size)
    numbers = np.frombuffer(b"".join(vector or blank for vector in vectors), np.uint16)
    found = numbers.reshape(len(vectors), -1).astype(np.float32)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1)
    return found


def compare_accepted(
    chooser: Chooser, workers: int | None = None, progress: Progress = silent
) -> tuple[AcceptedScans, list[Numbered]]:
    """Read the chooser's pool, and return references and the rows that are least like their label.

    Parameters
    ----------
    chooser : Chooser
        It has received all rows.
    workers : int, optional
        Number of processes; default: one per CPU, none for few files.
    """
    pool, vectors = chooser.pool, []
    wanted = [Wanted(each.row.path, each.row.sha256) for each in pool]
    for done, thumbnail in enumerate(thumbnails(wanted, workers, is_pictured=False)):
        progress("comparison", done, len(pool))
        vectors.append(thumbnail.vector)
    references = choose_references(pool, vectors)
    return references, least_like(pool, vectors, references, chooser.most_unlike())


def choose_references(pool: Sequence[Numbered], vectors: Sequence[bytes]) -> AcceptedScans:
    """Draw references of each label that has enough scans with ink."""
    of_label: dict[str, list[int]] = {}
    for place, (each, vector) in enumerate(zip(pool, vectors, strict=True)):
        if vector:
            of_label.setdefault(each.row.label, []).append(place)
    labels = sorted(
        (label for label, places in of_label.items() if len(places) >= LEAST_REFERENCES),
        key=natural_key,
    )
    if not labels:
        return NO_REFERENCES
    draw = random.Random(0)
    drawn = [
        draw.sample(of_label[label], min(len(of_label[label]), REFERENCES_PER_LABEL))
        for label in labels
    ]
    places = [place for each in drawn for place in each]
    classes = [index for index, each in enumerate(drawn) for _ in each]
    return AcceptedScans(
        tuple(labels),
        unit_vectors([vectors[place] for place in places]),
        np.array(classes, np.intp),
        np.array([pool[place].number for place in places], np.int64),
    )


@dataclass(frozen=True, eq=False)
class Whitening:
    """Linear map after which scans of one label differ about equally in all directions.

    Attributes
    ----------
    center : ndarray of shape (392,), float32
        Mean of all references after the map, which is subtracted.
    """

    matrix: Floats
    center: Floats

    @classmethod
    def of(cls, references: AcceptedScans) -> Whitening:
        """Return the map for the differences of the references from the mean of their label."""
        means = np.stack(
            [
                references.vectors[references.classes == i].mean(axis=0)
                for i in range(len(references.labels))
            ]
        )
        apart = references.vectors - means[references.classes]
        variances, axes = np.linalg.eigh(apart.T @ apart / len(apart))
        added = RIDGE * max(float(variances.mean()), 1e-9)
        matrix = (axes / np.sqrt(np.maximum(variances, 0) + added)).astype(np.float32)
        return cls(matrix, (references.vectors @ matrix).mean(axis=0))

    def apply(self, vectors: Floats) -> Floats:
        """Return the vectors after the map, with length 1."""
        found = vectors @ self.matrix - self.center
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return np.asarray(found, np.float32)


def least_like(
    pool: Sequence[Numbered], vectors: Sequence[bytes], references: AcceptedScans, most: int
) -> list[Numbered]:
    """Return the accepted rows that are most likely wrong, the most suspicious first.

    The score has two terms, each in units of its standard deviation. The first is how like the others
    of its label a scan is: the similarity to them, minus the similarity to the most similar other
    label. It finds things that are like no digit, and digits that are like another digit. Directions in
    which scans of one label differ much count less (`Whitening`). The median of the label is
    subtracted, because a 1 is more like other 1s than a 2 is like other 2s. The second term is the
    model's own doubt.
    """
    index_of = {label: index for index, label in enumerate(references.labels)}
    places = [place for place, each in enumerate(pool) if vectors[place] and each.row.label in index_of]
    if not places:
        return []
    own = np.array([index_of[pool[place].row.label] for place in places], np.intp)
    whitening = Whitening.of(references)
    white = replace(references, vectors=whitening.apply(references.vectors))
    likeness = [
        _likeness_to_own(
            [pool[p] for p in some],
            whitening.apply(unit_vectors([vectors[p] for p in some])),
            white,
            index_of,
        )
        for start in range(0, len(places), AT_ONCE)
        if (some := places[start : start + AT_ONCE])
    ]
    doubt = np.log(LEAST_DOUBT + 1 - np.array([confidence_of(pool[p].row) or 0.0 for p in places]))
    scores = _in_deviations(_less_median(np.concatenate(likeness), own))
    scores -= DOUBT_WEIGHT * _in_deviations(doubt)
    return [pool[places[index]] for index in np.argsort(scores, kind="stable")[:most]]


def _likeness_to_own(
    some: Sequence[Numbered],
    vectors: Floats,
    references: AcceptedScans,
    index_of: Mapping[str, int],
) -> npt.NDArray[np.float64]:
    """Return the weighted similarity to the own label, minus that to the most similar other label."""
    cosines = references.cosines(vectors, [each.number for each in some])
    similar = references.similarities(cosines, NEAREST)
    rows, own = np.arange(len(some)), [index_of[each.row.label] for each in some]
    same = similar[rows, own].copy()
    similar[rows, own] = 0 if len(index_of) == 1 else -1
    return np.asarray(OWN_WEIGHT * same - similar.max(axis=1), np.float64)


def _less_median(
    scores: npt.NDArray[np.float64], classes: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Return the scores (n,) minus the median score of their class."""
    found = scores.copy()
    for index in np.unique(classes):
        found[classes == index] -= np.median(scores[classes == index])
    return found


def _in_deviations(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the scores minus their mean, in units of their standard deviation."""
    return np.asarray((scores - scores.mean()) / max(float(scores.std()), 1e-9), np.float64)


def _highest(cosines: Floats, nearest: int) -> Floats:
    """Return the mean of the highest cosines of each row."""
    nearest = min(nearest, cosines.shape[1])
    return np.asarray(np.partition(cosines, -nearest, axis=1)[:, -nearest:].mean(axis=1), np.float32)

"""Name training images that look wrong: before the fit by their labels, after it by the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.evaluation.certification import picture_hashes
from digitsort.files.names import printable
from digitsort.recognition.score import predict, probabilities
from digitsort.training.examples import Examples
from digitsort.training.trial import ScoredExamples

MOST_NAMED = 5
"""Largest number of images to name in a sentence."""

MOST_DOUBTS = 10
"""Largest number of images to list after the fit."""

MOST_IMBALANCE = 100
"""Ratio of the largest class to the smallest from which on the model hardly learns the smallest."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Image whose label the model disagrees with.

    Attributes
    ----------
    name : str
        Path of the file, or the name of the data set and the number of the image.
    label : str
        Label in the training data.
    read : str
        Label from a model that was not fitted to the image.
    confidence : float
        Confidence of `read`, 0-1.
    """

    name: str
    label: str
    read: str
    confidence: float


def describe_disputes(examples: Examples) -> list[str]:
    """Return a sentence that names pictures with several labels; none if none has."""
    by_picture: dict[bytes, list[int]] = {}
    for index, picture in enumerate(picture_hashes(examples.normal)):
        by_picture.setdefault(picture, []).append(index)
    disputes = [
        " and ".join(_named(examples, index) for index in group)
        for group in by_picture.values()
        if len(set(examples.labels[group].tolist())) > 1
    ]
    if not disputes:
        return []
    has = "picture has" if len(disputes) == 1 else "pictures have"
    return [f"{len(disputes)} {has} several labels: {_some(disputes)}. Remove the wrong ones."]


def describe_contradictions(new: Examples, earlier: Examples) -> list[str]:
    """Return a sentence that names new images that had other labels earlier; none if none had."""
    of_earlier: dict[bytes, int] = {}
    for index, picture in enumerate(picture_hashes(earlier.normal)):
        of_earlier.setdefault(picture, index)
    found = []
    for index, picture in enumerate(picture_hashes(new.normal)):
        before = of_earlier.get(picture)
        if before is not None and earlier.labels[before] != new.labels[index]:
            found.append(f"{_named(new, index)}, before {_named(earlier, before)}")
    if not found:
        return []
    labels = "label contradicts an earlier one" if len(found) == 1 else "labels contradict earlier ones"
    return [f"{len(found)} {labels} of the same picture: {_some(found)}. Check which are right."]


def describe_imbalance(labels: npt.NDArray[np.str_]) -> list[str]:
    """Return a sentence about classes that are very small beside the largest one."""
    counts = Counter(labels.tolist())
    if not counts:
        return []
    largest, most = counts.most_common(1)[0]
    small = [name for name, count in counts.items() if count * MOST_IMBALANCE <= most]
    if not small:
        return []
    named = [f"{printable(name)} ({counts[name]})" for name in sorted(small, key=lambda n: counts[n])]
    return [
        f"Few images beside the {most} of class {printable(largest)}: {_some(named)}. The model may "
        "hardly ever give these labels. Add images of them."
    ]


def most_doubtful(
    examples: Examples, judged: ScoredExamples, classes: Sequence[str], temperature: float
) -> tuple[Doubt, ...]:
    """Return the images whose labels the model disagrees with most, the most unlikely label first.

    Parameters
    ----------
    judged : ScoredExamples
        Scores of the examples from models that were not fitted to them.
    """
    if not len(examples):
        return ()
    chances = probabilities(judged.scores, temperature)
    rows = np.arange(len(examples))
    read, own = predict(judged.scores), chances[rows, judged.truth]
    wrong = np.flatnonzero((read != judged.truth) & (examples.names != ""))
    order = wrong[np.argsort(own[wrong], kind="stable")][:MOST_DOUBTS]
    return tuple(
        Doubt(
            str(examples.names[row]),
            str(examples.labels[row]),
            classes[read[row]],
            float(chances[row, read[row]]),
        )
        for row in order.tolist()
    )


def _named(examples: Examples, index: int) -> str:
    name = printable(examples.names[index]) or "a training image"
    return f"{name} as {printable(str(examples.labels[index]))}"


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - MOST_NAMED
    return "; ".join(texts[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")

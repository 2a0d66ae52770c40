"""Define data sets of labelled images, and read their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitsort.errors import TrainingDataError
from digitsort.files.names import printable
from digitsort.images.discover import Walk
from digitsort.images.limits import Limits
from digitsort.images.read import UnreadableError, read
from digitsort.model.card import MOST_CLASSES
from digitsort.recognition.canvas import Gray

if TYPE_CHECKING:
    from digitsort.training.known import Known

LabelledGray = tuple[Gray, str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Named source of labelled images.

    Attributes
    ----------
    name : str
        Name on the model card.
    count : int
        Expected number of images.
    load : callable
        Function that yields (gray, class name) pairs, always the same in the same order.
    invented : bool
        Whether digitsort generated the images.
    weight : float
        Weight of each image in the fit.
    by_hand : bool
        Whether a person labelled these images. They are sorted by label and content.
    note : str
        Message about how the images were found.
    known : Known or None
        Knowledge of a model, which replaces images.
    paths : sequence of str
        Path of each image, if each is a file.
    """

    name: str
    count: int
    load: Callable[[], Iterator[LabelledGray]]
    invented: bool = False
    weight: float = 1.0
    by_hand: bool = False
    note: str = ""
    known: Known | None = None
    paths: Sequence[str] = ()

    @property
    def names(self) -> Sequence[str]:
        """Return a name for each image, for messages."""
        return self.paths or [f"{self.name}, image {number}" for number in range(1, self.count + 1)]


def check_class_count(count: int) -> None:
    """Raise TrainingDataError for more classes than a model can have."""
    if count > MOST_CLASSES:
        raise TrainingDataError(
            f"There are {count} classes, but a model has at most {MOST_CLASSES}. Are these digits?"
        )


def require_listed(walk: Walk) -> None:
    """Raise TrainingDataError if a walk came to a folder that it could not list."""
    for folder, reason in walk.unreadable:
        raise TrainingDataError(not_listed(folder, reason))


def not_listed(folder: str, reason: str) -> str:
    """Return the message about a folder that can't be listed."""
    return (
        f"{printable(folder)} can't be listed: {reason}. Make it readable or remove it, so that no "
        "training image is skipped silently."
    )


def read_or_refuse(path: str, limits: Limits) -> Gray:
    """Read a training image; raise TrainingDataError if it can't be read."""
    try:
        return read(path, limits).gray
    except UnreadableError as error:
        raise TrainingDataError(
            f"{printable(path)}: {error}. Repair the file or remove it, so that no training image is "
            "skipped silently."
        ) from error

"""The line itself: files in, outcomes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.decide import decide
from digitsort.errors import UsageError
from digitsort.files.discover import Walk, check_sources
from digitsort.files.limits import DEFAULT_LIMITS, Limits
from digitsort.files.read import Picture, UnreadableError, read
from digitsort.recognition.threads import one_blas_thread
from digitsort.records import Outcome, Status

if TYPE_CHECKING:
    from digitsort.model.reading import Model

BATCH = 128


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides between ok and uncertain, and what is read at all.

    Attributes
    ----------
    min_confidence : float or None
        Labels below it are uncertain; None takes the model's own threshold.
    probabilities : bool
        Give the probabilities of all classes.
    limits : Limits
        Of the picture files.
    """

    min_confidence: float | None = None
    probabilities: bool = False
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise UsageError(
                f"A confidence lies between 0 and 1, not at {self.min_confidence}: "
                "try --min-confidence 0.9."
            )


def classify_folder(
    folder: str | Path, *, model: Model | None = None, settings: Settings = Settings()
) -> Iterator[Outcome]:
    """Classify every picture in a folder and its sub-folders.

    Parameters
    ----------
    folder : str or Path
        A folder; a file will do as well.
    model : Model, optional
        From `load_model`; by default the default model, which is trained on first use.
    settings : Settings

    Yields
    ------
    Outcome
        One for each file, folder by folder, names in natural order.

    Raises
    ------
    UsageError
        If there is no such folder.

    Examples
    --------
    >>> from digitsort import classify_folder
    >>> for outcome in classify_folder("sample_images/office"):  # doctest: +SKIP
    ...     print(outcome.path, outcome.label, outcome.status)
    """
    if model is None:
        from digitsort.training.default import default_model

        model = default_model()
    return classify_files(Walk(check_sources([folder])).files(), model, settings)


def classify_files(
    paths: Iterable[str], model: Model, settings: Settings = Settings()
) -> Iterator[Outcome]:
    """Classify files; one outcome for each path, in the same order."""
    waiting = iter(paths)
    while batch := list(islice(waiting, BATCH)):
        with one_blas_thread():
            outcomes = classify_batch(batch, model, settings)
        yield from outcomes


def classify_batch(paths: Sequence[str], model: Model, settings: Settings) -> list[Outcome]:
    """Classify a few files at once. An outcome does not depend on the others in the batch."""
    results = [_read(path, settings.limits) for path in paths]
    pictures = {path_index: r for path_index, r in enumerate(results) if isinstance(r, Picture)}
    judged = _judge([paths[i] for i in pictures], list(pictures.values()), model, settings)
    outcomes = dict(zip(pictures, judged, strict=True))
    return [r if isinstance(r, Outcome) else outcomes[index] for index, r in enumerate(results)]


def _read(path: str, limits: Limits) -> Picture | Outcome:
    try:
        return read(path, limits)
    except UnreadableError as error:
        return Outcome(path, Status.ERROR, reason=str(error), sha256=error.sha256)


def _judge(
    paths: Sequence[str], pictures: Sequence[Picture], model: Model, settings: Settings
) -> list[Outcome]:
    verdicts = decide([picture.gray for picture in pictures], model, settings.min_confidence)
    return [
        Outcome(
            path,
            verdict.status,
            label=verdict.label,
            confidence=verdict.confidence,
            reason=verdict.reason,
            second=verdict.second,
            second_confidence=verdict.second_confidence,
            sha256=picture.sha256,
            note=picture.note,
            probabilities=verdict.probabilities if settings.probabilities and verdict.label else (),
        )
        for path, picture, verdict in zip(paths, pictures, verdicts, strict=True)
    ]

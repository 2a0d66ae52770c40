"""Classify a batch of files, a stack at a time: read, decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from digitsort.classification.decide import decide
from digitsort.classification.numbers import read_numbers
from digitsort.classification.settings import Settings, allowed_classes
from digitsort.images.limits import Limits
from digitsort.images.read import KnownContentError, Picture, UnreadableError, grays_of, read
from digitsort.outcomes import Fields, failed
from digitsort.sources.buckets import Prefetch
from digitsort.workers.tuning import one_blas_thread

if TYPE_CHECKING:
    from digitsort.model.reading import Model
    from digitsort.workers.engine import InHand

MOST_READ, MOST_READ_BYTES = 2048, 16 * 2**20
"""Largest number of pictures, and of bytes of pixels, to read before they are judged. Many pictures
contain enough hard ones for a stack; the limit keeps memory independent of the number of scans."""


def classify_batch(
    items: Sequence[str],
    in_hand: InHand,
    model: Model,
    settings: Settings,
    read_file: Callable[[str, Limits], Picture] | None = None,
) -> list[Fields]:
    """Return the outcomes of files, in order, without their paths.

    Parameters
    ----------
    items : sequence of str
        Paths.
    in_hand : callable
        Callback that gets the index of the file in progress.
    read_file : callable, optional
        Function that reads a file; default: `images.read.read`.
    """
    read_one = partial(_read, read_file or read, settings.limits)
    return work_in_stacks(items, in_hand, read_one, partial(_judge, model, settings))


def _read(read_file: Callable[[str, Limits], Picture], limits: Limits, path: str) -> Picture | Fields:
    try:
        return read_file(path, limits)
    except UnreadableError as error:
        return failed(str(error), error.sha256)
    except KnownContentError as error:
        return (error.sha256,)


def _judge(model: Model, settings: Settings, pictures: Sequence[Picture]) -> list[Fields]:
    allowed = allowed_classes(settings.only_labels, model.class_names)
    wanted, grays = settings.probabilities, grays_of(pictures)
    if settings.number is None:
        verdicts = decide(grays, model, settings.min_confidence, allowed)
        notes = [""] * len(verdicts)
    else:
        numbers = read_numbers(grays, model, settings.number, settings.min_confidence, allowed)
        verdicts = [number.verdict for number in numbers]
        notes = [number.note for number in numbers]
    return [
        (
            verdict.status,
            verdict.label,
            verdict.confidence,
            verdict.reason,
            verdict.second,
            verdict.second_confidence,
            picture.sha256,
            "; ".join(filter(None, (picture.note, note))),
            verdict.probabilities if wanted and verdict.label else (),
        )
        for picture, verdict, note in zip(pictures, verdicts, notes, strict=True)
    ]


def work_in_stacks(
    items: Sequence[str],
    in_hand: InHand,
    read_one: Callable[[str], Picture | Fields],
    judge: Callable[[Sequence[Picture]], list[Fields]],
) -> list[Fields]:
    """Read files and judge their pictures in stacks.

    Parameters
    ----------
    items : sequence of str
        Paths.
    in_hand : callable
        Callback that gets the index of the file in progress.
    read_one : callable
        Function that reads a file; anything but a picture is already its result.
    judge : callable
        Function that returns a result for each picture.
    """
    with one_blas_thread():
        return [fields for stack in _stacks(items, in_hand, read_one, judge) for fields in stack]


def _stacks(
    items: Sequence[str],
    in_hand: InHand,
    read_one: Callable[[str], Picture | Fields],
    judge: Callable[[Sequence[Picture]], list[Fields]],
) -> Iterator[list[Fields]]:
    """Yield the results of one stack at a time; large pictures make smaller stacks."""
    results: list[Picture | Fields] = []
    size = 0
    prefetch = Prefetch(items)
    try:
        for index in range(len(items)):
            in_hand(index)
            result = read_one(prefetch.take(index))
            results.append(result)
            size += result.nbytes if isinstance(result, Picture) else 0
            if len(results) >= MOST_READ or size >= MOST_READ_BYTES:
                in_hand(None)
                yield _judged(results, judge)
                results, size = [], 0
    finally:
        prefetch.close()
    in_hand(None)
    yield _judged(results, judge)


def _judged(
    results: Sequence[Picture | Fields], judge: Callable[[Sequence[Picture]], list[Fields]]
) -> list[Fields]:
    judged = iter(judge([r for r in results if isinstance(r, Picture)]))
    return [next(judged) if isinstance(r, Picture) else r for r in results]

"""Write the page on which a person checks and corrects doubtful labels."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitsort.evaluation.judge import acceptable, judge
from digitsort.evaluation.metrics import guesses
from digitsort.files.names import printable
from digitsort.labels.cells import MOST_DIGITS, are_digits
from digitsort.labels.labels_csv import NONE_LABEL
from digitsort.labels.row import HUMAN
from digitsort.labels.table import line_of
from digitsort.outcomes import OF_A_RUN
from digitsort.progress import Progress, silent
from digitsort.review import plots
from digitsort.review.choose import Choice, LabelsSource, Numbered, Tally
from digitsort.review.queues import queues_of
from digitsort.review.references import NO_REFERENCES, AcceptedScans
from digitsort.review.render import write_page
from digitsort.review.thumbnails import Thumbnail, Wanted, thumbnails

if TYPE_CHECKING:
    from digitsort.evaluation.judge import Judged

FIELDS = (
    "number",
    "line",
    "path",
    "label",
    "confidence",
    "status",
    "reason",
    "second",
    "secondConfidence",
    "human",
    "picture",
    "seen",
    "note",
    "whole",
    "box",
)
"""Fields of a card, with the same names as in the script."""

NONE_KEY = "x"
"""Key for `_none`, unless it sets a class. The key Delete always sets `_none`."""

NO_NUMBER = {"key": NONE_KEY, "button": "No number", "name": "not a number"}
"""Words and key for `_none` in rows of `classify --number`."""

CHUNK = 500
"""Number of cards per block of data: the browser also loads them block by block."""


def write_review(
    target: Path,
    source: LabelsSource,
    tally: Tally,
    choice: Choice,
    references: AcceptedScans = NO_REFERENCES,
    *,
    force: bool = False,
    workers: int | None = None,
    progress: Progress = silent,
) -> None:
    """Write the page.

    Parameters
    ----------
    target : Path
    source : LabelsSource
    tally : Tally
        Counts of all rows of the source.
    choice : Choice
        Rows to show.
    references : AcceptedScans
        Accepted scans, by which the cards are ordered and hints are given.
    force : bool
        Replace an existing file.
    workers : int, optional
        Number of processes that make thumbnails; default: one per CPU.
    progress : Progress
    """
    vectors: list[bytes] = []
    write_page(
        target,
        "review",
        force=force,
        source=source,
        name=printable(source.path.name),
        model=", ".join(sorted(name for name in tally.models if name)) or "unknown",
        tally=tally,
        digits=[(name, tally.count_of(name)) for name in tally.classes()],
        statuses=list(OF_A_RUN),
        choice=choice,
        charts=[plots.digits_found(tally), plots.confidence_histogram(tally)],
        judged=judged_of(tally),
        is_digits=are_digits(tally.classes()),
        settings=_settings(source, tally),
        chunks=_chunks(_cards(choice.cards, source.columns, vectors, workers, progress)),
        queues=lambda: _queue_data(choice, references, vectors),
    )


def judged_of(tally: Tally) -> tuple[Judged, plots.Chart] | None:
    """Return the comparison with the truth and its plot; None if no truth is known."""
    if not tally.known:
        return None
    truths = {outcome.path: right for outcome, right in tally.known}
    outcomes = [outcome for outcome, _ in tally.known]
    chart = plots.coverage_against_error(guesses(acceptable(outcomes), truths), len(outcomes))
    return judge(outcomes, truths, are_numbers=tally.has_numbers), chart


def keys_of(classes: Sequence[str]) -> dict[str, str]:
    """Return the class that each key sets.

    A class of one character has its own key. A longer name has the first of its letters and digits that
    is not another's key, if any; the page also has a button for each class.
    """
    keys = {name: name for name in classes if len(name) == 1}
    taken = {NONE_KEY, *map(str.lower, keys)}
    for name in classes:
        free = [char for char in name.lower() if char.isalnum() and char not in taken]
        if len(name) > 1 and free:
            keys[free[0]] = name
            taken.add(free[0])
    return keys


def _keys_if_all(classes: Sequence[str]) -> dict[str, str]:
    """Return the keys if every class has one; else nothing: a person then types first letters."""
    keys = keys_of(classes)
    return keys if len(keys) == len(classes) else {}


def _none_words(classes: Sequence[str]) -> dict[str, str]:
    """Return the words and the key for `_none`."""
    lower = [name.lower() for name in classes]
    is_first_letter = not _keys_if_all(classes) and any(name.startswith(NONE_KEY) for name in lower)
    key = "Delete" if NONE_KEY in lower or is_first_letter else NONE_KEY
    if are_digits(classes):
        return {"key": key, "button": "No digit", "name": "not a digit"}
    return {"key": key, "button": "None", "name": "none of these"}


def _settings(source: LabelsSource, tally: Tally) -> dict[str, Any]:
    classes = [] if tally.has_numbers else tally.classes()  # a person types a number
    return {
        "key": f"digitsort:{source.digest[:32]}",
        "fields": FIELDS,
        "header": _line((*source.columns, HUMAN)),
        "classes": classes,
        "cells": {name: _line([name]) for name in (*classes, NONE_LABEL)},
        "keys": _keys_if_all(classes),
        "numberDigits": MOST_DIGITS if tally.has_numbers else 0,
        "none": NONE_LABEL,
        "noneWords": NO_NUMBER if tally.has_numbers else _none_words(classes),
        "commands": _commands(shlex.quote(printable(str(source.path))), classes, tally.has_numbers),
    }


def _commands(labels: str, classes: Sequence[str], has_numbers: bool) -> list[str]:
    """Return what to run after the review; FILE stands for the saved file."""
    data = "default" if are_digits(classes) else "DATA"
    per_number = " --folder-per-number" if has_numbers else ""
    return [
        f"digitsort sort {labels} sorted --corrections FILE{per_number}",
        f"digitsort evaluate {labels} --corrections FILE",
        f"digitsort train -d {data} -d {labels} --corrections FILE -o mine.pkl",
    ]


def _queue_data(choice: Choice, references: AcceptedScans, vectors: Sequence[bytes]) -> dict[str, Any]:
    """Return the queues and the hints, after the cards have been made."""
    opinions = references.opinions(vectors, [card.number for card in choice.cards])
    queues = queues_of(choice, opinions)
    return {
        "queues": [{"title": queue.title, "places": queue.places} for queue in queues],
        "hints": [(place, opinion.hint) for place, opinion in enumerate(opinions) if opinion.hint],
    }


def _cards(
    numbered: Sequence[Numbered],
    columns: Sequence[str],
    vectors: list[bytes],
    workers: int | None,
    progress: Progress,
) -> Iterator[list[Any]]:
    """Yield the cards, and add their vectors to `vectors`."""
    wanted = [Wanted(n.row.path, n.row.sha256) for n in numbered]
    pairs = zip(numbered, thumbnails(wanted, workers), strict=True)
    for done, (n, thumbnail) in enumerate(pairs):
        progress("pictures", done, len(numbered))
        vectors.append(thumbnail.vector)
        yield _card(n, thumbnail, columns)


def _card(numbered: Numbered, thumbnail: Thumbnail, columns: Sequence[str]) -> list[Any]:
    row = numbered.row
    return [
        numbered.number,
        _line([row.cells[name] for name in columns]),
        printable(row.cells["path"]),
        row.label,
        row.cells.get("confidence", ""),
        row.status.value,
        row.reason,
        row.cells.get("second", ""),
        row.cells.get("second_confidence", ""),
        row.human,
        thumbnail.picture,
        thumbnail.seen,
        thumbnail.note,
        thumbnail.whole,
        thumbnail.box,
    ]


def _line(cells: Sequence[str]) -> str:
    """Return the CSV line of a row without its line end, which the script adds."""
    return line_of(cells).removesuffix("\n")


def _chunks(cards: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while chunk := list(islice(cards, CHUNK)):
        yield chunk

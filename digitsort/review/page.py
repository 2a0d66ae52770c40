"""Write the page on which a person checks and corrects doubtful labels, in queues of similar cards."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitsort.evaluation.judge import acceptable, guesses, judge
from digitsort.files.names import natural_key, printable
from digitsort.labels.cells import MOST_DIGITS, are_digits
from digitsort.labels.labels_csv import NONE_LABEL, UNCLEAR
from digitsort.labels.row import HUMAN
from digitsort.labels.table import line_of
from digitsort.outcomes import OF_A_RUN, Status
from digitsort.progress import Progress, silent
from digitsort.review import plots
from digitsort.review.choose import Choice, LabelsSource, Numbered, Tally
from digitsort.review.references import NO_REFERENCES, ODD, AcceptedScans, Opinion
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

NONE_KEY, UNCLEAR_KEY = "x", "u"
"""Keys for `_none` and `_unclear`, unless they set a class. Delete sets `_none` and
Shift+Delete sets `_unclear` whatever the classes are."""

PAUSE_MS = 900
"""Time for which a finished group is still shown before the next one opens. A key goes on at once."""

PLAIN_REASONS = {
    "read in a frame": "read without the frame around it",
    "read in a ring": "read without the ring around it",
    "read in parentheses": "read without the parentheses",
    "read without what lies beside it": "something beside it was left out",
    "read without its underline": "a line at the bottom was left out",
    "read without what shines through": "pale marks were left out",
    "read across a shadow": "a shadow was removed",
    "read its main part alone": "only its main part was read",
    "read in uneven light": "uneven light was corrected",
    "read blurred": "it was blurred first",
    "two readings": "two ways of reading it disagree",
}
"""What a person is told instead of a reason of the labels.csv. Most of these say what was done to the
picture before it was read in this way, which a person may see nothing of."""

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
    taken = {NONE_KEY, UNCLEAR_KEY, *map(str.lower, keys)}
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


def _is_free(key: str, classes: Sequence[str]) -> bool:
    """Return whether a key sets no class, and begins none of those that a person types."""
    lower = [name.lower() for name in classes]
    is_first_letter = not _keys_if_all(classes) and any(name.startswith(key) for name in lower)
    return key not in lower and not is_first_letter


def _none_words(classes: Sequence[str]) -> dict[str, str]:
    """Return the words and the key for `_none`."""
    key = NONE_KEY if _is_free(NONE_KEY, classes) else "Delete"
    if are_digits(classes):
        return {"key": key, "button": "Not a digit", "name": "not a digit"}
    return {"key": key, "button": "None", "name": "none of these"}


def _settings(source: LabelsSource, tally: Tally) -> dict[str, Any]:
    classes = [] if tally.has_numbers else tally.classes()  # a person types a number
    return {
        "key": f"digitsort:{source.digest[:32]}",
        "fields": FIELDS,
        "header": _line((*source.columns, HUMAN)),
        "classes": classes,
        "cells": {name: _line([name]) for name in (*classes, NONE_LABEL, UNCLEAR)},
        "keys": _keys_if_all(classes),
        "numberDigits": MOST_DIGITS if tally.has_numbers else 0,
        "none": NONE_LABEL,
        "pause": PAUSE_MS,
        "noneWords": NO_NUMBER if tally.has_numbers else _none_words(classes),
        "unclear": UNCLEAR,
        "unclearKey": UNCLEAR_KEY if _is_free(UNCLEAR_KEY, classes) else "Shift+Delete",
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
        _plain(row.reason),
        row.cells.get("second", ""),
        row.cells.get("second_confidence", ""),
        row.human,
        thumbnail.picture,
        thumbnail.seen,
        thumbnail.note,
        thumbnail.whole,
        thumbnail.box,
    ]


def _plain(reason: str) -> str:
    """Return a reason in words for a person who does not know how digitsort reads."""
    for words, plain in PLAIN_REASONS.items():
        reason = reason.replace(words, plain)
    return reason


def _line(cells: Sequence[str]) -> str:
    """Return the CSV line of a row without its line end, which the script adds."""
    return line_of(cells).removesuffix("\n")


def _chunks(cards: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while chunk := list(islice(cards, CHUNK)):
        yield chunk


_QUEUE_TITLES = {
    Status.UNCERTAIN: "Doubtful",
    Status.REJECTED: "Rejected",
    Status.ERROR: "Unreadable",
    Status.OK: "Accepted",
}
_QUEUE_RANK = {Status.UNCERTAIN: 0, Status.REJECTED: 1, Status.ERROR: 5, Status.OK: 4}
_UNLIKE, _RANDOM, _BEFORE = 2, 3, 6

FEW_PER_LABEL = 4
"""With fewer cards per label than this, all labels share a group: a group costs a key."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Cards that are looked through together.

    Attributes
    ----------
    places : tuple of int
        Indices of the cards, in the order in which they are shown.
    """

    title: str
    places: tuple[int, ...]


def queues_of(choice: Choice, opinions: Sequence[Opinion]) -> list[Queue]:
    """Divide all cards into queues: doubtful ones by label, and like ones next to each other.

    Parameters
    ----------
    opinions : sequence of Opinion
        Of the accepted scans, on each card.
    """
    places: dict[tuple[int, str, str], list[int]] = {}
    for place, card in enumerate(choice.cards):
        places.setdefault(_queue_of(card, choice), []).append(place)
    places = _with_few_together(places)
    ordered = sorted(places, key=lambda key: (key[0], natural_key(key[2])))
    return [
        Queue(
            " ".join(key[1:]).strip(),
            tuple(sorted(places[key], key=lambda p: _order(choice.cards[p], opinions[p], p))),
        )
        for key in ordered
    ]


def _with_few_together(
    places: dict[tuple[int, str, str], list[int]],
) -> dict[tuple[int, str, str], list[int]]:
    """Join the groups of all labels where there are few cards per label."""
    sizes: dict[int, list[int]] = {}
    for (rank, _, _), group in places.items():
        sizes.setdefault(rank, []).append(len(group))
    joined: dict[tuple[int, str, str], list[int]] = {}
    for (rank, title, label), group in places.items():
        has_few = len(sizes[rank]) > 1 and sum(sizes[rank]) < FEW_PER_LABEL * len(sizes[rank])
        joined.setdefault((rank, title, "" if has_few else label), []).extend(group)
    return joined


def _queue_of(card: Numbered, choice: Choice) -> tuple[int, str, str]:
    """Return the rank, the title and the label of a card's queue."""
    row = card.row
    if row.human:
        return _BEFORE, "Labelled before", ""
    if card.number in choice.drawn:
        return _RANDOM, "Random check", ""
    if card.number in choice.unlike:
        return _UNLIKE, "Unlike the others", ""
    is_of_label = row.status in (Status.UNCERTAIN, Status.OK)
    return _QUEUE_RANK[row.status], _QUEUE_TITLES[row.status], row.label if is_of_label else ""


def _order(card: Numbered, opinion: Opinion, place: int) -> tuple[str, bool, bool, str, float, int]:
    """Return the place in a queue: like their label, then like another, then like nothing accepted."""
    label = card.row.label
    is_other = opinion.label != label
    is_odd = is_other and opinion.likeness < ODD
    return label, is_odd, is_other, opinion.label, -opinion.likeness, place

"""Write a page that shows how well a set of images was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from digitsort.evaluation.estimate import Estimate, interval_of
from digitsort.evaluation.judge import Guesses, Judged, Mistake
from digitsort.files.names import printable
from digitsort.model.card import Card
from digitsort.review import plots
from digitsort.review.render import write_page
from digitsort.review.thumbnails import Thumbnail, Wanted, thumbnails

MOST_MISTAKES = 60
"""Largest number of mistakes of each kind (accepted, doubtful) in a report, the most confident
first."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements that a report shows.

    Attributes
    ----------
    name : str
        Name of the images.
    model : str
        First digits of the fingerprint; empty if unknown.
    guesses : Guesses
        Guesses for all images.
    candidates : Guesses
        Guesses that are accepted, or that a lower threshold would accept.
    threshold : float or None
        Lowest confidence of accepted labels.
    unknown : int
        Number of images without a known label.
    estimate : Estimate or None
        Estimate for all rows of a labels.csv of which a person labelled some.
    model_file : str
        Name of the model file, or the fingerprints in the labels.csv; empty if unknown.
    unclear : int
        Number of images that a person could not read.
    """

    name: str
    model: str
    judged: Judged
    guesses: Guesses
    candidates: Guesses
    threshold: float | None
    unknown: int
    estimate: Estimate | None = None
    model_file: str = ""
    card: Card | None = None
    unclear: int = 0


def write_report(target: Path, measured: Measured, *, force: bool = False) -> None:
    """Write the page."""
    judged = measured.judged
    kinds = [_kind_of(judged.mistakes, accepted=accepted) for accepted in (True, False)]
    write_page(
        target,
        "report",
        force=force,
        measured=measured,
        name=printable(measured.name),
        date=datetime.now(UTC).date().isoformat(),
        judged=judged,
        bands=[band for band in measured.guesses.bands() if band.count],
        charts=[
            plots.reliability(measured.guesses.bands()),
            plots.coverage_against_error(
                measured.candidates, judged.evaluation.count, measured.threshold
            ),
        ],
        kinds=[(kind, count, _pictured(shown)) for kind, count, shown in kinds if count],
        interval_of=interval_of,
        card=[] if measured.card is None else _card_lines(measured.card),
    )


def _kind_of(mistakes: Sequence[Mistake], *, accepted: bool) -> tuple[str, int, list[Mistake]]:
    """Return the heading for a kind of mistakes, their count, and the mistakes to show."""
    found = [mistake for mistake in mistakes if mistake.accepted is accepted]
    return "Accepted and wrong" if accepted else "Doubtful", len(found), found[:MOST_MISTAKES]


def _card_lines(card: Card) -> list[tuple[str, str]]:
    return [
        ("data", " + ".join(card.data)),
        ("classes", " ".join(card.classes)),
        ("fitted to", f"{sum(card.counts.values()):,} images"),
        ("held out", f"{card.held_out_accuracy:.2%} of {card.held_out_count:,} images right"),
        (
            "ok from",
            f"confidence {card.min_confidence:.4f} and familiarity {card.ok_familiarity:.4f}",
        ),
        ("created", card.created),
        ("fingerprint", card.fingerprint),
    ]


def _pictured(mistakes: Sequence[Mistake]) -> list[tuple[Mistake, str, Thumbnail]]:
    files = [Wanted(mistake.path, "") for mistake in mistakes]
    return [
        (mistake, printable(mistake.path), thumbnail)
        for mistake, thumbnail in zip(mistakes, thumbnails(files), strict=True)
    ]

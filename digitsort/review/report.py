"""Write a page that shows how well a set of images was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from digitsort.evaluation.judge import Judged, Mistake
from digitsort.evaluation.metrics import Guesses
from digitsort.files.names import printable
from digitsort.review import plots
from digitsort.review.render import write_page
from digitsort.review.thumbnails import Thumbnail, Wanted, thumbnails

MOST_MISTAKES = 60
"""Largest number of mistakes on a report, the most confident first."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements that a report shows.

    Attributes
    ----------
    name : str
        Name of the images.
    model : str
        First digits of the fingerprint; empty if unknown.
    judged : Judged
    guesses : Guesses
    threshold : float or None
        Lowest confidence of accepted labels.
    unknown : int
        Number of images without a known label.
    """

    name: str
    model: str
    judged: Judged
    guesses: Guesses
    threshold: float | None
    unknown: int


def write_report(target: Path, measured: Measured, *, force: bool = False) -> None:
    """Write the page."""
    judged = measured.judged
    shown = judged.mistakes[:MOST_MISTAKES]
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
            plots.coverage_against_error(measured.guesses, judged.evaluation.count, measured.threshold),
        ],
        mistakes=_pictured(shown),
        more=len(judged.mistakes) - len(shown),
    )


def _pictured(mistakes: tuple[Mistake, ...]) -> list[tuple[Mistake, str, Thumbnail]]:
    files = [Wanted(mistake.path, "") for mistake in mistakes]
    return [
        (mistake, printable(mistake.path), thumbnail)
        for mistake, thumbnail in zip(mistakes, thumbnails(files), strict=True)
    ]

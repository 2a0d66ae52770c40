"""Compare doubtful cells of pages with the print of their page: `classify --cells`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from digitsort.classification.neighbours import adapted_from
from digitsort.labels.cells import path_of
from digitsort.labels.labels_csv import row_bytes
from digitsort.labels.resume import cells_of, outcome_of, raw_rows
from digitsort.outcomes import Outcome, Status
from digitsort.pages.cells_csv import CellRow, read_cells
from digitsort.pages.cutout import PagePixels, is_on_page
from digitsort.pages.page_files import Leaf, leaves_of
from digitsort.pages.page_print import Opinion, opinions_on

if TYPE_CHECKING:
    from digitsort.classification.decide import Verdict
    from digitsort.images.limits import Limits
    from digitsort.labels.partial import LabelsFile
    from digitsort.pages.blocks import Quad

UNLIKE_PRINT = "unlike the print of its page"
"""Reason of a cell on a printed page that was read as a digit, but looks like none of the page's
digits."""

BY_PRINT = "by the print of its page"
"""Last words of the reason of a changed label."""

T = TypeVar("T", "Verdict", "Outcome")

Changed = Callable[[Outcome, Outcome], None]
"""Callback that gets a row as it was and as it is now."""


def page_verdicts(
    pixels: PagePixels, corners: Mapping[int, Quad], verdicts: Sequence[T], labels: Sequence[str]
) -> list[T]:
    """Return verdicts on the cells of a page, changed where its print contradicts them.

    Parameters
    ----------
    pixels : PagePixels
    corners : mapping of int to ndarray of shape (4, 2)
        Corners of each cell, by its index in `verdicts`.
    verdicts : sequence of Verdict or of Outcome
    labels : sequence of str
        Digits that may be given as labels.
    """
    accepted = {n: verdict.label for n, verdict in enumerate(verdicts) if verdict.status is Status.OK}
    changed = list(verdicts)
    for number, opinion in opinions_on(pixels, corners, accepted, labels).items():
        changed[number] = verdicts[number]._replace(**changes_of(verdicts[number], opinion))
    return changed


def changes_of(before: Verdict | Outcome, opinion: Opinion) -> dict[str, Any]:
    """Return the fields of an uncertain row that change; a row with a changed label stays uncertain."""
    if before.status is not Status.UNCERTAIN or opinion.label == before.label:
        return {}
    fields = {"label": opinion.label, "confidence": None, "second": "", "second_confidence": None}
    if not opinion.label:
        return {**fields, "status": Status.REJECTED, "reason": UNLIKE_PRINT}
    confidence = before.confidence or 0.0
    said = adapted_from(before.status, before.reason, before.label, confidence)
    return {
        **fields,
        "confidence": round(min(max(opinion.match, 0.0), 1.0), 4),
        "reason": f"{said} {BY_PRINT}",
        "second": before.label,
        "second_confidence": before.confidence,
    }


class NotCompared(NamedTuple):
    """Pictures that were not compared with a page.

    Attributes
    ----------
    files : tuple of str
        Page files that can't be read any more, that changed since they were cut, or that are too small
        for their cells.
    unknown : int
        Pictures that are not in the cells.csv.
    """

    files: tuple[str, ...]
    unknown: int


@dataclass(frozen=True, slots=True)
class PagePass:
    """Pass over the rows of a labels file that compares doubtful cells with the print of their page.

    Attributes
    ----------
    cells : Path
        The cells.csv of the pictures.
    labels : tuple of str
        Digits that may be given as labels.
    limits : Limits
        Limits for page files.
    """

    cells: Path
    labels: tuple[str, ...]
    limits: Limits

    def change(self, file: LabelsFile, changed: Changed) -> NotCompared:
        """Replace the changed rows in the file, and call `changed` for each."""
        outcomes = {outcome.path: outcome for outcome, _ in _rows(file) if outcome is not None}
        lost: list[str] = []
        after: dict[str, Outcome] = {}
        known: dict[str, CellRow] = {}
        for row in read_cells(self.cells):
            if row.path in outcomes:
                known.setdefault(row.path, row)
        files: dict[str, list[CellRow]] = defaultdict(list)  # each is read once, in whatever order
        for row in known.values():
            files[row.source].append(row)
        for source, rows in files.items():
            if any(outcomes[row.path].status is Status.UNCERTAIN for row in rows):
                after |= self._of_file(source, rows, outcomes, lost)
        if after:
            file.adapt(_changed_rows(file, after, changed))
        return NotCompared(tuple(lost), len(outcomes) - len(known))

    def _of_file(
        self, source: str, rows: Sequence[CellRow], outcomes: Mapping[str, Outcome], lost: list[str]
    ) -> dict[str, Outcome]:
        pages: defaultdict[int, list[CellRow]] = defaultdict(list)
        for row in rows:
            pages[row.page].append(row)
        after: dict[str, Outcome] = {}
        for leaf in leaves_of(source, self.limits):
            is_needed = leaf.number in pages or leaf.number == 0  # 0 stands for the whole file
            if leaf.sha256 != rows[0].source_sha256 or (leaf.gray is None and is_needed):
                lost.append(source)
                break
            of_page = pages.pop(leaf.number, [])
            shape = () if leaf.gray is None else leaf.gray.shape
            on_page = [row for row in of_page if is_on_page(row.corners, shape)]
            if len(on_page) < len(of_page) and source not in lost:
                lost.append(source)
            if on_page:
                after |= self._of_page(leaf, on_page, outcomes)
            if not pages:
                break
        return after

    def _of_page(
        self, leaf: Leaf, rows: Sequence[CellRow], outcomes: Mapping[str, Outcome]
    ) -> dict[str, Outcome]:
        if leaf.gray is None:
            return {}
        before = [outcomes[row.path] for row in rows]
        corners = {number: row.corners for number, row in enumerate(rows)}
        after = page_verdicts(PagePixels(leaf.gray), corners, before, self.labels)
        return {now.path: now for now, then in zip(after, before, strict=True) if now != then}


def _rows(file: LabelsFile) -> Iterator[tuple[Outcome | None, bytes]]:
    """Yield each line of a labels file with its outcome; None for the header."""
    with file.reader() as stream:
        for number, row in enumerate(raw_rows(stream, file.form)):
            if number == 0 and file.form == "csv":
                yield None, row
                continue
            cells = cells_of(row, file.layout, file.form)
            yield outcome_of(path_of(cells["path"], file.layout.root), cells, file.layout), row


def _changed_rows(file: LabelsFile, after: Mapping[str, Outcome], changed: Changed) -> Iterable[bytes]:
    for before, row in _rows(file):
        if before is None or before.path not in after:
            yield row
        else:
            changed(before, after[before.path])
            yield row_bytes(after[before.path], file.layout, file.form)

"""Count what became of every file, and see that the books close."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from digitsort.errors import DigitsortError, ExitCode
from digitsort.files.discover import Walk
from digitsort.records import Outcome, Status

MOST_EXAMPLES = 5


@dataclass(slots=True)
class Summary:
    """Counts of the files of a run and of their results.

    Attributes
    ----------
    files : int
        Number of files.
    by_status : Counter of Status
    by_label : Counter of (label, Status)
    reasons : Counter of (Status, str)
        Reasons of rejected files and errors.
    notes : Counter of str
    noted : dict of str to list of str
        The first few files with each note.
    errors : list of Outcome
        The first few files that could not be read.
    adapted : int or None
        Number of rows that a second pass changed; None without a second pass.
    """

    files: int = 0
    by_status: Counter[Status] = field(default_factory=Counter)
    by_label: Counter[tuple[str, Status]] = field(default_factory=Counter)
    reasons: Counter[tuple[Status, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    noted: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    errors: list[Outcome] = field(default_factory=list)
    adapted: int | None = None

    def found(self, paths: Iterable[str]) -> Iterator[str]:
        """Count files on their way in."""
        for path in paths:
            self.files += 1
            yield path

    def counted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Count outcomes on their way out."""
        for outcome in outcomes:
            self._count(outcome, 1)
            if outcome.note:
                self.notes[outcome.note] += 1
                if len(self.noted[outcome.note]) < MOST_EXAMPLES:
                    self.noted[outcome.note].append(outcome.path)
            if outcome.status is Status.ERROR and len(self.errors) < MOST_EXAMPLES:
                self.errors.append(outcome)
            yield outcome

    def changed(self, before: Outcome, after: Outcome) -> None:
        """Move a row that a second pass changed to the counts of its new result."""
        self._count(before, -1)
        self._count(after, 1)
        self.adapted = (self.adapted or 0) + 1

    def _count(self, outcome: Outcome, by: int) -> None:
        self.by_status[outcome.status] += by
        if outcome.label:
            self.by_label[outcome.label, outcome.status] += by
        elif outcome.reason:
            self.reasons[outcome.status, outcome.reason] += by

    def close(self) -> None:
        """Raise unless every file that went in came out, once."""
        if self.files != self.by_status.total():
            raise DigitsortError(
                f"{self.files} files went in and {self.by_status.total()} rows came out. This is a "
                "mistake in digitsort: please report it."
            )

    def exit_code(self, walk: Walk) -> ExitCode:
        """Done, unless a file or folder could not be read."""
        failed = self.by_status[Status.ERROR] or walk.unreadable
        return ExitCode.SOME_FAILED if failed else ExitCode.DONE

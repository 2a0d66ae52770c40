"""Mark rows of a labels.csv whose file no longer exists, and read them as they were before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache

from digitsort.files.names import printable
from digitsort.labels.row import Row
from digitsort.outcomes import OF_A_RUN, Status
from digitsort.plural import plural

_WAS = "was "
"""Start of the reason of a gone row; the status that it had follows."""


def gone_reason(status: Status, reason: str) -> str:
    """Return the reason of a gone row, with the status and the reason that it had.

    Examples
    --------
    >>> gone_reason(Status.UNCERTAIN, "low confidence")
    'was uncertain: low confidence'
    """
    return f"{_WAS}{status.value}: {reason}" if reason else f"{_WAS}{status.value}"


def before_gone(row: Row) -> Row:
    """Return a gone row with the status and the reason that it had; any other row as it is."""
    if row.status is not Status.GONE:
        return row
    name, _, reason = row.reason.removeprefix(_WAS).partition(": ")
    if name not in OF_A_RUN:  # a person wrote the status
        name, reason = (Status.OK if row.label else Status.REJECTED), row.reason
    return row._replace(status=Status(name), reason=reason)


class GoneRows:
    """Filter that leaves out gone rows, and counts them.

    Parameters
    ----------
    kept : callable, optional
        Function that returns contents (SHA-256, hex); gone rows of these are not left out. It is called
        only if there are gone rows.

    Attributes
    ----------
    count : int
    """

    def __init__(self, kept: Callable[[], Collection[str]] = frozenset) -> None:
        self.count = 0
        self._kept = cache(kept)

    def left_out(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield all other rows, as they were before they were gone."""
        for row in rows:
            if row.status is not Status.GONE or row.sha256 in self._kept():
                yield before_gone(row)
            else:
                self.count += 1

    def say(self, path: object) -> list[str]:
        """Return a sentence if any row was left out."""
        if not self.count:
            return []
        rows, verb = plural(self.count, "row"), "was" if self.count == 1 else "were"
        return [f"{printable(str(path))}: {rows} of files that are gone {verb} left out."]

"""List a batch: what can be delivered, what will be written of it before, and what will not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from digitsort.files.names import parent_of
from digitsort.sorting.copying import Stop
from digitsort.sorting.folders import Folders
from digitsort.sorting.plan import Operation
from digitsort.sorting.preparing import Preparer, Ready, orders_of
from digitsort.sorting.run import Written
from digitsort.sorting.task import Task
from digitsort.table import columns_of_cells
from digitsort.tuples import made


@dataclass(frozen=True, slots=True)
class Listed:
    """A batch.

    Attributes
    ----------
    first : int
        Number of the first of `whole` in its run.
    whole : list of (Operation, Ready)
        What can be delivered.
    failed : list of (Operation, reason)
    """

    first: int = 0
    whole: list[tuple[Operation, Ready]] = field(default_factory=list)
    failed: list[tuple[Operation, str]] = field(default_factory=list)

    @property
    def numbers(self) -> range:
        """Of what can be delivered, in its run."""
        return range(self.first, self.first + len(self.whole))

    @property
    def entries(self) -> list[Written]:
        """What is written before anything is done."""
        columns = [columns_of_cells(operation.cells) for operation, _ in self.whole]
        return made(Written, self.numbers, columns, [ready.entry for _, ready in self.whole])

    def tasks(self, token: str) -> list[Task]:
        """What is to be done, by the run of this token."""
        return [
            Task(number, operation.row.path, operation.target, ready.sha256, token, ready.status)
            for number, (operation, ready) in zip(self.numbers, self.whole, strict=True)
        ]


NOTHING = Listed()


class Lister:
    """Lists batch after batch of a run.

    Parameters
    ----------
    preparer : Preparer
    """

    def __init__(self, preparer: Preparer) -> None:
        self._preparer = preparer
        self._count = 0

    def list(
        self,
        operations: Sequence[Operation],
        ready: Sequence[Ready | str],
        folders: Folders,
        stop: Stop,
    ) -> Listed:
        """A batch, of which a beginning may be prepared already; it ends where a person wants it to."""
        refusals = [folders.refusal(parent_of(operation.target)) for operation in operations]
        failed = [(o, reason) for o, reason in zip(operations, refusals, strict=True) if reason]
        if failed:
            ready = [each for each, reason in zip(ready, refusals, strict=False) if not reason]
            operations = [o for o, reason in zip(operations, refusals, strict=True) if not reason]
        orders = orders_of(operations[len(ready) :])
        pairs = list(zip(operations, [*ready, *self._preparer.prepare(orders, stop)], strict=False))
        failed += [(operation, each) for operation, each in pairs if isinstance(each, str)]
        whole = [(operation, each) for operation, each in pairs if not isinstance(each, str)]
        first, self._count = self._count, self._count + len(whole)
        return Listed(first, whole, failed)

"""Print the summary of a run: what was classified, sorted or undone, and which files failed."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from digitsort.cli.console import stderr_console, table, warn
from digitsort.errors import DigitsortError
from digitsort.files.names import is_url, natural_key, parent_of, printable
from digitsort.images.discover import Walk, describe_left_out, describe_skipped
from digitsort.outcomes import OF_A_RUN, Status
from digitsort.plural import plural
from digitsort.sorting.journal import has_head, journals, read_runs
from digitsort.sorting.plan import Mode, Operation, Plan
from digitsort.sources.members import may_exist, member_size

if TYPE_CHECKING:
    from digitsort.classification.classify import Summary
    from digitsort.sorting.apply import Delivery
    from digitsort.sorting.recover import Recovered
    from digitsort.sorting.undo import Undone


MOST_LABELS = 200
"""Largest number of different labels for which a table is printed; `--number` can give thousands."""


def print_summary(
    summary: Summary,
    walk: Walk,
    output: str | None,
    *,
    quiet: bool,
    update: Iterable[str] = (),
    numbers: bool = False,
) -> None:
    """Print the table of digits and statuses, the skipped files, and what to do next.

    Parameters
    ----------
    output : str or None
        File that was written; None for stdout.
    update : iterable of str
        Lines about an update.
    numbers : bool
        The labels are numbers, which `sort` only takes when asked.
    """
    console = stderr_console(quiet=quiet)
    if 0 < len({label for label, _ in +summary.by_label}) <= MOST_LABELS:
        console.print(_table(summary))
    total = " + ".join(f"{summary.by_status[status]} {status}" for status in OF_A_RUN)
    console.print(f"{plural(summary.files, 'file')} = {total}")
    for line in update:
        console.print(f"  {line}", markup=False)
    if summary.adapted:
        console.print(f"  {plural(summary.adapted, 'row')} {summary.adapted_how}")
    print_left_aside(console, summary, walk)
    if output is not None:
        name = printable(output)
        can_sort = summary.by_status[Status.ERROR] < summary.files
        if not can_sort:
            console.print(f"\nNo file could be read. The reasons are in {name}.", markup=False)
        else:
            console.print(f"\nWritten to {name}.", end=" Next: ", markup=False)
            option = " --folder-per-number" if numbers else ""
            sort = f"digitsort sort {shlex.quote(name)} sorted{option}"
            console.print(sort, markup=False, style="bold")


def print_left_aside(console: Console, summary: Summary, walk: Walk) -> None:
    """Print which files were no rows, or rows without a label, and why."""
    for (status, reason), count in (+summary.reasons).most_common():
        console.print(f"  {status}: {reason} ({count})", markup=False)
    for outcome in summary.errors:
        console.print(f"    {printable(outcome.path)}: {outcome.reason}", markup=False)
    for note, count in summary.notes.most_common():
        console.print(f"  {plural(count, 'file')}: {note} was read", markup=False)
        for path in summary.noted[note]:
            console.print(f"    {printable(path)}", markup=False)
    for number, line in enumerate(describe_skipped(walk.skipped, looked_inside=walk.any_name)):
        console.print(f"{'  ' if number == 0 else '    '}{line}", markup=False)
    if walk.left_out:
        console.print(f"  {describe_left_out(walk.left_out)}", markup=False)
    warn_unlisted(walk)


def warn_unlisted(walk: Walk) -> None:
    """Warn of each folder that could not be listed."""
    for folder, reason in walk.unreadable:
        warn(f"{folder} can't be listed: {reason}. Its files are missing from the result.")


def _table(summary: Summary) -> Table:
    shown = table()
    shown.add_column("label")
    for status in (Status.OK, Status.UNCERTAIN):
        shown.add_column(status.value, justify="right")
    for label in sorted({label for label, _ in +summary.by_label}, key=natural_key):
        counts = (summary.by_label[label, s] for s in (Status.OK, Status.UNCERTAIN))
        shown.add_row(Text(label), *(str(count) if count else "·" for count in counts))
    return shown


VERBS = {
    Mode.COPY: ("copy", "copied"),
    Mode.MOVE: ("move", "moved"),
    Mode.HARD: ("link", "linked"),
    Mode.SYMBOLIC: ("link", "linked"),
    Mode.WITHIN: ("move", "moved"),
}


def print_plan(plan: Plan, *, may_be_elsewhere: bool = False) -> None:
    """Print every operation on stdout, and counts on stderr.

    Parameters
    ----------
    may_be_elsewhere : bool
        Whether --root could help to find missing files.
    """
    verb, _ = VERBS[plan.mode]
    own = {o.row.path: o.target for o in plan.settling}
    within = [(o.row.path, own.get(o.target, o.target)) for o in (*plan.within, *plan.sidecars_within)]
    lines = [f"move  {printable(path)} -> {printable(target)}\n" for path, target in within]
    lines += [f"{verb}  {printable(o.row.path)} -> {printable(o.target)}\n" for o in plan.operations]
    lines += [f"{verb}  {printable(o.row.path)} -> {printable(o.target)}\n" for o in plan.sidecars]
    lines += [f"same  {printable(o.row.path)} = {printable(o.target)}\n" for o in plan.same]
    lines += [
        f"same  {printable(o.row.path)} = {printable(o.target)}, moved by hand\n" for o in plan.by_hand
    ]
    if lines:
        lines += [f"leave {printable(path)}: {reason}\n" for path, reason in plan.left]
    else:  # there is no plan among which they would be looked for
        lines = [f"leave {line.lstrip()}\n" for line in some_of(plan.left)]
    sys.stdout.writelines(lines)
    console = stderr_console()
    if plan.operations or plan.within:
        console.print(_plan_table((*plan.within, *plan.operations)))
    moved = f"{len(plan.within)} to move within DEST, " if plan.within else ""
    console.print(
        f"{len(plan.operations)} to {verb} ({_size(plan.operations)}), {moved}"
        f"{_with_sidecars(len(plan.sidecars) + len(plan.sidecars_within))}"
        f"{_there(plan, plan.same)}, {len(plan.left)} skipped. Nothing was done.",
        soft_wrap=True,
    )
    _print(console, _shared(plan))
    if may_be_elsewhere:
        _print(console, hint_to_root(plan.left))


def print_delivery(
    plan: Plan, delivery: Delivery, *, quiet: bool, may_be_elsewhere: bool = False
) -> None:
    """Print counts by folder, and the files that were skipped: the first few for each reason."""
    console = stderr_console(quiet=quiet)
    if delivery.done or delivery.within:
        console.print(_plan_table((*delivery.within, *delivery.done)))
    left = (*plan.left, *delivery.failed)
    end = f", {len(left)} skipped:" if left else "."
    _, verb = VERBS[plan.mode]
    within = f"{len(delivery.within)} moved within DEST, " if delivery.within else ""
    within += _with_sidecars(len(delivery.sidecars))
    console.print(f"{len(delivery.done)} {verb}, {within}{_there(plan, delivery.same)}{end}")
    _print(console, some_of(left))
    _print(console, _shared(plan))
    if may_be_elsewhere:
        _print(console, hint_to_root(left))
    print_kept(delivery.tables)
    if not (delivery.done or delivery.same or delivery.within or delivery.sidecars):
        return
    dest = printable(plan.dest)
    console.print(
        f"\nSorted into {dest}. Its labels.csv lists where each file came from.", markup=False
    )


def _with_sidecars(count: int) -> str:
    """Say how many sidecars go with their pictures."""
    return f"{plural(count, 'sidecar')} with {'its picture' if count == 1 else 'their pictures'}, " * (
        count > 0
    )


def _shared(plan: Plan) -> list[str]:
    """Say how many sidecars belong to several pictures; each goes with one only."""
    if not plan.shared:
        return []
    if plan.shared == 1:
        return ["1 sidecar belongs to several pictures. It goes with the first one."]
    return [f"{plan.shared} sidecars belong to several pictures. Each goes with its first one."]


def _there(plan: Plan, same: Sequence[Operation]) -> str:
    """Say how many files are in DEST already, and that a person's order of them stays."""
    by_hand = f" ({len(plan.by_hand)} where you put them)" if plan.by_hand else ""
    return f"{len(same) + len(plan.by_hand)} already there{by_hand}"


def print_recovered(recovered: Recovered | None, *, quiet: bool) -> None:
    """Print what an interrupted run had done."""
    if recovered is not None:
        stderr_console(quiet=quiet).print(
            f"Found an interrupted run. It had sorted {plural(recovered.delivered, 'file')}; "
            f"{plural(recovered.open, 'more file')} that it had begun did not change."
        )
        print_kept([recovered.table] if recovered.table else [])


def warn_of_open_run(dest: Path) -> None:
    """Warn that an interrupted run will be finished before the plan of this dry run."""
    last = next(read_runs(str(dest), entries=False), None)
    if last is not None and (last.undo_begun or not last.end):
        warn(f"a run in {dest} was interrupted, or is still running. It will be finished first.")


def warn_of_foreign_runs(dest: Path) -> None:
    """Warn that DEST has journals of another user or machine, which digitsort ignores."""
    ours = {run.path for run in read_runs(str(dest), entries=False)}
    foreign = [path for path in journals(str(dest)) if path not in ours and has_head(path)]
    if foreign:
        warn(
            f"{printable(foreign[0])} was not written by you for this folder, so digitsort ignores it. "
            "See --adopt in `digitsort undo --help`."
        )


def print_undone(undone: Undone, *, quiet: bool) -> None:
    """Print how many files were restored, and every file that was left."""
    console = stderr_console(quiet=quiet)
    end = f" {len(undone.left)} left as they are:" if undone.left else ""
    by_hand = [(undone.put_back, "put back"), (undone.removed, "removed")]
    too = "".join(f" {count} moved by hand, {what} too." for count, what in by_hand if count)
    console.print(f"Undid {plural(undone.runs, 'sort')} ({plural(undone.restored, 'file')}).{too}{end}")
    for path, reason in undone.left:
        console.print(f"  {printable(path)}: {reason}", markup=False)
    print_kept(undone.tables)


def print_kept(tables: Iterable[str]) -> None:
    """Warn that a labels.csv with a person's work is kept under another name."""
    for path in tables:
        warn(
            f"labels.csv in {printable(os.path.dirname(path))} had changes that were not digitsort's. "
            f"Their version is kept as {printable(os.path.basename(path))}."
        )


def _print(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, markup=False)


def _plan_table(operations: Iterable[Operation]) -> Table:
    folders = Counter(parent_of(operation.target) for operation in operations)
    counts: Counter[str] = Counter()
    for folder, count in folders.items():
        counts[os.path.basename(folder)] += count
    shown = table()
    shown.add_column("folder")
    shown.add_column("files", justify="right")
    for name in sorted(counts, key=natural_key):
        shown.add_row(Text(name), str(counts[name]))
    return shown


def _size(operations: Iterable[Operation]) -> str:
    total = 0
    for operation in operations:
        try:
            total += os.stat(operation.row.path).st_size
        except NotADirectoryError:
            total += member_size(operation.row.path)
        except OSError:
            continue  # the run reports the error
    return "1 byte" if total == 1 else f"{total:,} bytes"


MOST_NAMED = 5
"""Largest number of files that are listed for one reason."""

Failure = tuple[str, str]
"""Path and reason."""


def some_of(failures: Iterable[Failure]) -> Iterator[str]:
    """Yield a line for each of the first few files with each reason, and how many more there are."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in failures:
        by_reason.setdefault(reason, []).append(path)
    for reason, paths in by_reason.items():
        for path in paths[:MOST_NAMED]:
            yield f"  {printable(path)}: {reason}"
        if len(paths) > MOST_NAMED:
            yield f"  … and {len(paths) - MOST_NAMED:,} more"


def hint_to_root(failures: Iterable[Failure]) -> Iterator[str]:
    """Yield a hint to --root if any of the files does not exist."""
    if any(not (is_url(path) or may_exist(path)) for path, _ in failures):
        yield "If their folder was renamed or moved, name it with --root DIR."


def warn_of(failures: Sequence[Failure], total: int, *, may_be_elsewhere: bool) -> None:
    """Print how many of `total` files could not be read, and some of them."""
    if not failures:
        return
    warn(f"{len(failures):,} of {total:,} files can't be read:")
    for line in (*some_of(failures), *(hint_to_root(failures) if may_be_elsewhere else ())):
        stderr_console().print(line, markup=False)


def all_failed(table: Path, failures: Sequence[Failure], *, may_be_elsewhere: bool) -> DigitsortError:
    """Return the error for a command that could read none of the files of a table."""
    count = len(failures)
    what = "The file" if count == 1 else f"None of the {count:,} files"
    verb = "can't" if count == 1 else "can"
    lines = [f"{what} of {printable(str(table))} {verb} be read:", *some_of(failures)]
    return DigitsortError("\n".join([*lines, *(hint_to_root(failures) if may_be_elsewhere else ())]))

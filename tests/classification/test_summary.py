"""Closed books."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.classification.classify import MOST_EXAMPLES, Summary
from digitsort.errors import DigitsortError, ExitCode
from digitsort.images.discover import Walk
from digitsort.outcomes import Outcome, Status

OUTCOMES = st.lists(
    st.builds(
        Outcome,
        path=st.text(max_size=3),
        status=st.sampled_from(Status),
        label=st.sampled_from(["", "0", "7"]),
        reason=st.sampled_from(["", "blank", "empty file"]),
        note=st.sampled_from(["", "first of several pages"]),
    )
)


@given(OUTCOMES)
def test_the_books_close_where_every_file_became_one_row(outcomes: list[Outcome]) -> None:
    """Files found = rows = ok + uncertain + rejected + error; nothing is changed on its way."""
    summary = Summary()
    paths = list(summary.found(outcome.path for outcome in outcomes))
    assert paths == [outcome.path for outcome in outcomes]
    assert outcomes == list(summary.counted(outcomes))
    summary.close()
    counts = [sum(o.status is status for o in outcomes) for status in Status]
    assert counts == [summary.by_status[status] for status in Status]
    assert summary.files == sum(counts)
    labelled = summary.by_label.total()
    assert labelled == sum(bool(o.label) for o in outcomes)
    assert summary.reasons.total() == sum(bool(o.reason and not o.label) for o in outcomes)
    assert summary.notes.total() == sum(bool(o.note) for o in outcomes)
    errors = [o for o in outcomes if o.status is Status.ERROR]
    assert errors[:MOST_EXAMPLES] == summary.errors


@given(OUTCOMES, st.integers(1, 3), st.booleans())
def test_they_do_not_close_where_a_row_is_lost_or_one_too_many(
    outcomes: list[Outcome], difference: int, lost: bool
) -> None:
    summary = Summary()
    extra = [Outcome("x.png", Status.OK, label="7")] * difference
    list(summary.found(o.path for o in outcomes + (extra if lost else [])))
    list(summary.counted(outcomes + ([] if lost else extra)))
    with pytest.raises(DigitsortError, match="files went in and"):
        summary.close()


@pytest.mark.parametrize(
    ("status", "unreadable", "expected"),
    [
        (Status.OK, [], ExitCode.DONE),
        (Status.UNCERTAIN, [], ExitCode.DONE),
        (Status.REJECTED, [], ExitCode.DONE),
        (Status.ERROR, [], ExitCode.SOME_FAILED),
        (Status.OK, [("locked", "Permission denied")], ExitCode.SOME_FAILED),
    ],
)
def test_only_what_could_not_be_read_makes_a_run_end_with_1(
    status: Status, unreadable: list[tuple[str, str]], expected: ExitCode
) -> None:
    summary, walk = Summary(), Walk([])
    walk.unreadable.extend(unreadable)
    list(summary.counted([Outcome("x.png", status)]))
    assert expected == summary.exit_code(walk)

"""`digitsort.pages.page_pass`: what the print of a page changes."""

from __future__ import annotations

from digitsort.outcomes import Outcome, Status
from digitsort.pages.page_pass import changes_of
from digitsort.pages.page_print import Opinion

EIGHT = Outcome("a.png", Status.UNCERTAIN, "8", 0.9, "low confidence", "3", 0.05)


def test_another_label_stays_uncertain_and_says_what_the_model_read() -> None:
    after = EIGHT._replace(**changes_of(EIGHT, Opinion("6", 0.98)))
    reason = "adapted from 8 at 0.9000 (low confidence) by the print of its page"
    assert after == Outcome("a.png", Status.UNCERTAIN, "6", 0.98, reason, "8", 0.9)


def test_a_cell_like_no_digit_is_rejected() -> None:
    after = EIGHT._replace(**changes_of(EIGHT, Opinion("", 0.4)))
    assert after == Outcome("a.png", Status.REJECTED, reason="unlike the print of its page")


def test_the_same_label_and_sure_rows_stay_as_they_are() -> None:
    assert changes_of(EIGHT, Opinion("8", 0.99)) == {}
    assert changes_of(EIGHT._replace(status=Status.OK), Opinion("6", 0.99)) == {}

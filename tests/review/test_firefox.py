"""The review page in Firefox: keys, saving, undo, and the traps that depend on the browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.review.firefox import Firefox, firefox, why_no_firefox
from tests.review.test_browser import (
    HEADER,
    IN_ORDER,
    downloaded,
    line,
    thirty,
    thirty_cards,
    write_page,
)
from tests.review.test_traps import two_groups

pytestmark = pytest.mark.slow

__all__ = ["thirty", "thirty_cards"]  # fixtures


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Firefox, Path]]:
    """A window, and the folder where its downloads arrive."""
    if reason := why_no_firefox():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("firefox")
    with firefox(folder) as found:
        yield found, folder / "downloads"


@pytest.fixture
def page(window: tuple[Firefox, Path], thirty: str) -> Firefox:
    found, _ = window
    found.size(1200, 800)
    found.open(thirty)
    return found


def test_thirty_cards_and_the_corrections_byte_for_byte(
    page: Firefox, window: tuple[Firefox, Path]
) -> None:
    human = {}
    keys = [("7", Keys.ENTER, "x")[place % 3] for place in range(30)]
    for key, index in zip(keys, IN_ORDER, strict=True):
        human[index] = {"7": "7", Keys.ENTER: str(index % 10), "x": "_none"}[key]
    page.press(*keys)
    assert page.text("#progress-text") == "30 of 30 reviewed"
    page.click("#end-save")
    expected = "".join(f"{line(index)},{human[index]}\n" for index in range(30))
    assert downloaded(window[1]) == f"{HEADER},human\n{expected}".encode()


def test_a_held_key_labels_one_scan(page: Firefox) -> None:
    page.hold("7")
    assert page.text("#progress-text") == "1 of 30 reviewed"


def test_the_rest_of_a_group_and_undo_and_redo(page: Firefox) -> None:
    page.press(Keys.ENTER, held=Keys.SHIFT)
    assert (page.text("#progress-text"), page.text("#group-title")) == (
        "2 of 30 reviewed",
        "Doubtful 1",
    )
    page.press("z", held=Keys.CONTROL)
    assert page.text("#progress-text") == "0 of 30 reviewed"
    page.press("y", held=Keys.CONTROL)
    assert page.text("#progress-text") == "2 of 30 reviewed"


def test_after_each_control_a_digit_is_a_label(page: Firefox) -> None:
    for query in (".queue", "[data-label='8']", "#undo", "#redo"):
        page.click(query)
        assert page.script("document.activeElement.id") == "grid", query
    page.press("/", *"scan", Keys.ENTER, "5")
    assert page.text("#said").startswith("Labelled 5.")


def test_space_scrolls_nothing_and_slash_opens_no_quick_find(page: Firefox) -> None:
    """Firefox searches the page by / and ', unless the page takes the key."""
    page.press("/")
    assert page.script("document.activeElement.id") == "search"
    page.press(Keys.ESCAPE, " ")
    assert page.text("#progress-text") == "1 of 30 reviewed"
    assert page.script("document.getElementById('pane').scrollTop") == 0


def test_a_range_by_keyboard_and_the_tag_on_the_tile(page: Firefox) -> None:
    page.press("/", *"scan 2", Keys.ENTER)
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, held=Keys.SHIFT)
    assert page.text("#loupe-many") == "3 scans selected"
    page.press("8")
    shown = "getComputedStyle(document.querySelector('.tile .tag'), '::before').content"
    assert page.text("#progress-text") == "3 of 30 reviewed"
    assert page.script(shown) != "none"


def test_dialogs_take_the_keys_and_give_the_focus_back(page: Firefox) -> None:
    page.press("?", "7")
    assert page.script("document.getElementById('help').open")
    page.press(Keys.ESCAPE, "7")
    assert page.text("#progress-text") == "1 of 30 reviewed"


def test_a_reload_keeps_the_labels(page: Firefox, thirty: str) -> None:
    page.press("1", "2", "x")
    page.script("new Promise((done) => setTimeout(done, 400))")
    page.open(thirty)
    assert page.text("#progress-text") == "3 of 30 reviewed"


@pytest.mark.parametrize(("width", "height"), [(640, 400), (500, 320)])
def test_the_selected_scan_is_seen_in_a_small_window(
    page: Firefox, thirty: str, width: int, height: int
) -> None:
    page.size(width, height)
    page.open(thirty)
    page.press("7")
    box = page.script("document.querySelector('.tile.current').getBoundingClientRect().toJSON()")
    assert 0 <= box["top"] < box["bottom"] <= height
    assert page.script("document.documentElement.scrollWidth") <= width


def test_a_finished_group_stays_until_a_key_and_a_search_until_it_changes(
    page: Firefox, tmp_path: Path
) -> None:
    page.open(two_groups(tmp_path, 60_000))
    page.press("0", "8")
    assert page.text("#group-count") == "✓ done · next: Doubtful 5"
    page.press("7")
    assert (page.text("#group-title"), page.text("#progress-text")) == (
        "Doubtful 5",
        "2 of 4 reviewed",
    )
    page.press("/", *"ain", Keys.ENTER, "u", "u")
    assert page.text("#progress-text") == "4 of 4 reviewed"
    page.press(Keys.ESCAPE)
    assert page.text("#group-title") == "Search"
    assert page.script("document.querySelectorAll('.tile.unclear').length") == 2


def test_all_scans_of_a_group_are_printed(page: Firefox, tmp_path: Path) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    sure = ",uncertain,low confidence,1,0.1,,m1"
    page.open(write_page(tmp_path, [f"in/no{n}.png,0,0.{n}{sure}" for n in range(1000, 1400)]))
    made = page.ask("browsingContext.print", context=page.context)["data"]
    sheets = pdfium.PdfDocument(base64.b64decode(made))
    words = "\n".join(sheet.get_textpage().get_text_range() for sheet in sheets)
    assert [int(n) for n in re.findall(r"no(\d{4})", words)] == list(range(1000, 1400))

"""What went wrong on review pages before: each has a test of its own, here or in test_browser.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.review.browser import size
from tests.review.test_browser import (
    HEADER,
    corner,
    ctrl,
    downloaded,
    line,
    press,
    script,
    text,
    thirty,
    thirty_cards,
    write_page,
)

pytestmark = pytest.mark.slow

__all__ = ["thirty", "thirty_cards"]  # fixtures

ACTIVE = "document.activeElement.id"


def same_rows(count: int, status: str = "uncertain") -> list[str]:
    """Rows of one label."""
    first = line(0).replace(",uncertain,", f",{status},")
    return [first.replace("scan 0", f"{status} {index}") for index in range(count)]


@pytest.mark.parametrize(
    "control",
    ["#undo", "#redo", "#save", ".queue", "[data-label='5']", "#range", "#keys .wide"],
)
def test_after_each_control_a_digit_is_a_label(
    driver: Any, chromium: tuple[Any, Path], thirty: str, control: str
) -> None:
    driver.get(thirty)
    press(driver, "1", "2", "3")
    ctrl(driver, "z")
    driver.find_element("css selector", control).click()
    assert script(driver, ACTIVE) == "grid"
    before = script(driver, "document.querySelectorAll('.tile.changed').length")
    press(driver, "/", "scan", "\ue007", "9")
    assert text(driver, "#said").startswith("Labelled 9.")
    assert script(driver, "document.querySelectorAll('.tile.changed').length") >= before
    if control == "#save":
        downloaded(chromium[1])


@pytest.mark.parametrize("dialog", ["help", "overview", "end"])
@pytest.mark.parametrize("way", ["button", "Escape"])
def test_after_a_dialog_a_digit_is_a_label(driver: Any, thirty: str, dialog: str, way: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    driver.find_element("id", f"{dialog}-button").click()
    press(driver, "7")
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    if way == "Escape":
        press(driver, Keys.ESCAPE)
    else:
        driver.find_element("css selector", f"#{dialog} .close").click()
    press(driver, "7")
    assert text(driver, "#progress-text") == "1 of 30 reviewed"


def test_an_enter_too_many_after_the_last_scan_saves_nothing(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """Nor does one after saving on the end card save a second time."""
    from selenium.webdriver.common.keys import Keys

    driver.get(write_page(tmp_path, same_rows(2)))
    press(driver, *[Keys.ENTER] * 4)
    assert text(driver, "#end-state") == "2 labels not saved yet."
    ctrl(driver, "s")  # which would save the page itself
    assert downloaded(chromium[1]).decode().startswith(HEADER)
    press(driver, Keys.ENTER, Keys.ENTER)
    assert list(chromium[1].glob("*")) == []


def held(driver: Any, key: dict[str, Any]) -> None:
    """Hold a key down until it has repeated four times."""
    for repeated in (False, True, True, True, True):
        driver.execute_cdp_cmd(
            "Input.dispatchKeyEvent", {"type": "keyDown", "autoRepeat": repeated, **key}
        )
    driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **key})


@pytest.mark.parametrize(
    ("key", "done"),
    [
        ({"key": "Enter", "code": "Enter", "text": "\r"}, 1),
        ({"key": " ", "code": "Space", "text": " "}, 1),
        ({"key": "x", "code": "KeyX", "text": "x"}, 1),
        ({"key": "Enter", "code": "Enter", "text": "\r", "modifiers": 8}, 2),
        ({"key": ".", "code": "Period", "text": "."}, 1),
    ],
)
def test_no_held_key_labels_more_than_one_press_of_it(
    driver: Any, thirty: str, key: dict[str, Any], done: int
) -> None:
    """Shift+Enter confirms a group, of two scans here."""
    driver.get(thirty)
    press(driver, "\ue00c")
    held(driver, key)
    press(driver, "\ue00c")
    assert text(driver, "#progress-text") == f"{done} of 30 reviewed"


def test_a_held_undo_takes_back_one_step(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "1", "2", "3")
    held(driver, {"key": "z", "code": "KeyZ", "modifiers": 2})
    press(driver, "\ue00c")
    assert text(driver, "#progress-text") == "2 of 30 reviewed"


def test_undo_comes_back_to_a_scan_that_was_scrolled_away(driver: Any, tmp_path: Path) -> None:
    driver.get(write_page(tmp_path, same_rows(300)))
    press(driver, "5", "6")
    driver.execute_script("document.getElementById('pane').scrollTop = 2500")
    ctrl(driver, "z")
    assert corner(driver, ".tile.changed .tag") == "5"
    box = script(driver, "document.querySelector('.tile.current').getBoundingClientRect().toJSON()")
    assert 0 <= box["top"] < box["bottom"] <= 800


def test_with_more_doubtful_rows_than_the_limit_rejected_ones_are_shown(
    driver: Any, tmp_path: Path
) -> None:
    rows = [*same_rows(60), *same_rows(20, "rejected")]
    driver.get(write_page(tmp_path, rows, "--limit", "20"))
    groups = [found.text for found in driver.find_elements("css selector", ".queue")]
    assert [" ".join(group.split()) for group in groups] == [
        "Doubtful 0 16 of 16 open",
        "Rejected 4 of 4 open",
    ]


@pytest.mark.parametrize(("width", "height"), [(720, 450), (640, 400), (360, 225), (320, 256)])
def test_at_any_zoom_the_scan_that_is_labelled_is_seen(
    driver: Any, tmp_path: Path, width: int, height: int
) -> None:
    """Also after many labels, when the page has scrolled by itself."""
    size(driver, width, height)
    rows = [row.replace("uncertain ", f"{width} ", 1) for row in same_rows(60)]
    driver.get(write_page(tmp_path, rows))
    for _ in range(3):
        press(driver, *"7777777")
        box = script(driver, "document.querySelector('.tile.current').getBoundingClientRect().toJSON()")
        assert box["width"] >= 50
        assert 0 <= box["top"] < box["bottom"] <= height
        over = (
            "const b = document.querySelector('.tile.current').getBoundingClientRect();"
            "return document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2)"
            ".closest('.tile')?.classList.contains('current') ?? false"
        )
        assert driver.execute_script(over)
    assert text(driver, "#progress-text") == "21 of 60 reviewed"


def test_the_name_of_a_long_class_stays_on_its_tile(driver: Any, tmp_path: Path) -> None:
    names = ["a" * 60, "b" * 60]
    rows = [f"{i}.png,{names[i % 2]},0.4,uncertain,low,{names[1 - i % 2]},0.1,{i},m" for i in range(4)]
    driver.get(write_page(tmp_path, rows))
    press(driver, ".", ".")
    clipped = script(
        driver,
        "[...document.querySelectorAll('.tile .tag, .tile .read')].filter((e) => {"
        " const t = e.closest('.tile').getBoundingClientRect(), b = e.getBoundingClientRect();"
        " return b.left < t.left || b.right > t.right || b.top < t.top || b.bottom > t.bottom;"
        " }).length",
    )
    assert clipped == 0
    assert len(driver.find_elements("css selector", ".tile .tag")) == 2

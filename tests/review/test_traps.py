"""What went wrong on review pages before: each has a test of its own, here or in test_browser.py."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from digitsort.review import page as review_page
from tests.review.browser import size
from tests.review.test_browser import (
    HEADER,
    corner,
    ctrl,
    downloaded,
    line,
    press,
    script,
    shift,
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
        "Doubtful 0 16 of 16 left",
        "Rejected 4 of 4 left",
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


REAL_PAUSE_MS = 900
LONG_PAUSE_MS = 60_000


DONE = "✓ done · n: next scan without a label"


def two_groups(tmp_path: Path, pause: int) -> str:
    """The page of two groups, of two scans each; its progress is its own."""
    rows = [row.replace("ain ", f"ain {secrets.token_hex(8)} ") for row in same_rows(4)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review_page, "FEW_PER_LABEL", 0)
        return write_page(
            tmp_path, [*rows[:2], *(row.replace(",0,", ",5,", 1) for row in rows[2:])], pause=pause
        )


def group(driver: Any) -> str:
    return text(driver, "#group-title")


def test_the_last_label_of_a_group_is_seen_before_the_next_group(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get(two_groups(tmp_path, REAL_PAUSE_MS))
    press(driver, "0", "8")
    WebDriverWait(driver, 20, 0.05).until(lambda _: group(driver) == "Doubtful 5")
    assert text(driver, "#said") == ""
    driver.get(two_groups(tmp_path, LONG_PAUSE_MS))
    press(driver, "0", "8")
    assert group(driver) == "Doubtful 0"
    assert text(driver, "#group-count") == "✓ done · next: Doubtful 5"
    assert corner(driver, ".tile.current .tag") == "8"
    assert text(driver, "#said") == "Labelled 8."
    assert "Labelled 8. Doubtful 0 is done. Next: Doubtful 5." in text(driver, "#say")


@pytest.mark.parametrize("key", ["7", "\ue007", ".", "x", "n"])
def test_a_key_in_the_pause_goes_on_and_labels_nothing(driver: Any, tmp_path: Path, key: str) -> None:
    driver.get(two_groups(tmp_path, LONG_PAUSE_MS))
    press(driver, "0", "8", key)
    assert (group(driver), text(driver, "#progress-text")) == ("Doubtful 5", "2 of 4 reviewed")
    press(driver, "3")
    assert text(driver, "#progress-text") == "3 of 4 reviewed"


def test_shift_enter_twice_confirms_one_group(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(two_groups(tmp_path, LONG_PAUSE_MS))
    shift(driver, Keys.ENTER, Keys.ENTER)
    assert (group(driver), text(driver, "#progress-text")) == ("Doubtful 5", "2 of 4 reviewed")


def test_a_look_back_in_the_pause_stays(driver: Any, tmp_path: Path) -> None:
    """A slip is seen, and mended where it was made: by moving there, by Backspace or by undo."""
    from selenium.webdriver.common.keys import Keys

    driver.get(two_groups(tmp_path, REAL_PAUSE_MS))
    press(driver, "0", "8", Keys.ARROW_LEFT)
    driver.execute_async_script(f"setTimeout(arguments[0], {REAL_PAUSE_MS + 200})")
    assert (group(driver), text(driver, "#group-count")) == ("Doubtful 0", DONE)
    press(driver, "6", Keys.BACKSPACE)
    assert (group(driver), text(driver, "#group-count")) == ("Doubtful 0", "1 of 2 left")
    press(driver, "4")
    ctrl(driver, "z")
    driver.execute_async_script(f"setTimeout(arguments[0], {REAL_PAUSE_MS + 200})")
    assert (group(driver), text(driver, "#progress-text")) == ("Doubtful 0", "1 of 4 reviewed")


def test_a_message_lasts_until_the_next_action(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    driver.find_element("id", "range").click()
    assert text(driver, "#said") == "Choose the last scan of the range."
    press(driver, Keys.ESCAPE)
    assert text(driver, "#said") == ""
    assert driver.find_element("id", "range").get_attribute("aria-pressed") == "false"
    driver.find_element("id", "range").click()
    press(driver, "7")  # a label is not the end of a range
    assert text(driver, "#said") == "Labelled 7."
    assert driver.find_element("id", "range").get_attribute("aria-pressed") == "false"
    for control in (".tile.current", ".queue", "#keys .wide"):
        press(driver, "7")
        before = text(driver, "#said")
        driver.find_element("css selector", control).click()
        assert text(driver, "#said") != before
    press(driver, Keys.ARROW_RIGHT)
    assert text(driver, "#said") == ""


def test_a_range_by_button_and_arrow_keys(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(write_page(tmp_path, same_rows(5)))
    driver.find_element("id", "range").click()
    press(driver, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "6")
    assert text(driver, "#progress-text") == "3 of 5 reviewed"


def test_after_a_reload_the_commands_name_the_saved_file(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """The page keeps its name; if it does not know it, the commands begin as the README's do."""
    driver.get(write_page(tmp_path, same_rows(3)))
    driver.find_element("id", "end-button").click()
    commands = text(driver, "#end-commands").splitlines()
    assert commands[0] == "mv ~/Downloads/corrections-*.csv corrections.csv"
    assert commands[1].endswith("--corrections corrections.csv")
    press(driver, "\ue00c", "4")
    ctrl(driver, "s")
    name = text(driver, "#said").split()[-1].rstrip(".")
    downloaded(chromium[1])
    driver.refresh()
    driver.find_element("id", "end-button").click()
    assert text(driver, "#end-state") == f"Saved to {name}."
    assert not driver.find_element("id", "end-first").is_displayed()  # it asks to save
    first = text(driver, "#end-commands").splitlines()[0]
    assert first.endswith(f"sorted --corrections ~/Downloads/{name}")


NO_FILE = "Not saved: no file was chosen. Press Save again to download the file."

REFUSING = """
window.showSaveFilePicker = async () => {
  if (window.refusal === "AbortError") throw new DOMException("", "AbortError");
  const createWritable = async () => {
    throw new DOMException("Odd.", refusal);
  };
  return { name: "my labels.csv", createWritable };
};
"""


@pytest.mark.parametrize(
    ("refusal", "where", "why"),
    [
        ("AbortError", "#said", NO_FILE),
        ("QuotaExceededError", "#trouble", "my labels.csv was not saved: the disk is full."),
        ("NotFoundError", "#trouble", "the file or its folder was moved or deleted."),
        ("DataError", "#trouble", "my labels.csv was not saved: Odd."),
    ],
)
def test_what_was_not_saved_is_said_with_the_reason(
    driver: Any, chromium: tuple[Any, Path], thirty: str, refusal: str, where: str, why: str
) -> None:
    driver.get(thirty)
    driver.execute_script(f"{REFUSING} window.refusal = {refusal!r};")
    press(driver, "7")
    driver.find_element("id", "save").click()
    assert why in text(driver, where)
    assert "Press Save" in text(driver, where)
    assert text(driver, "#unsaved") == "1 not saved"
    if refusal != "AbortError":  # then the page itself does without it
        driver.execute_script("window.showSaveFilePicker = undefined")
    driver.find_element("id", "save").click()
    downloaded(chromium[1])
    assert not driver.find_element("id", "trouble").is_displayed()


def test_saving_nothing_says_why(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    ctrl(driver, "s")
    assert text(driver, "#said") == "Nothing to save yet: no scan has a label."


def test_confirming_all_leaves_what_has_no_guess(driver: Any, tmp_path: Path) -> None:
    rows = [*same_rows(1, "error"), "in/b.png,,,error,broken image,,,1,m"]
    driver.get(write_page(tmp_path, rows, "--only", "error"))
    shift(driver, "\ue007")
    shift(driver, "\ue007")
    assert "no guess to confirm" in text(driver, "#said")


def test_a_scan_that_a_person_cannot_read_is_reviewed_without_a_label(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """It counts as reviewed, is marked, and is so again when the review goes on with the file."""
    from selenium.webdriver.common.keys import Keys

    driver.get(write_page(tmp_path, same_rows(3)))
    press(driver, "u")
    assert text(driver, "#said") == "Marked as can't tell."
    assert corner(driver, ".tile.unclear .tag") == "?"
    shift(driver, Keys.DELETE)
    assert text(driver, "#progress-text") == "2 of 3 reviewed"
    press(driver, "7")
    assert text(driver, "#end-unclear") == (
        "You could not tell what 2 scans show. Sorting puts them into _uncertain."
    )
    driver.find_element("id", "end-save").click()
    saved = downloaded(chromium[1])
    assert [row.rpartition(",")[2] for row in saved.decode().splitlines()] == [
        "human",
        "_unclear",
        "_unclear",
        "7",
    ]
    (tmp_path / "c.csv").write_bytes(saved)
    driver.get(write_page(tmp_path, same_rows(3), "--corrections", str(tmp_path / "c.csv")))
    assert (group(driver), text(driver, "#progress-text")) == ("Labelled before", "3 of 3 reviewed")
    assert len(driver.find_elements("css selector", ".tile.unclear")) == 2


def test_u_is_a_label_where_a_class_begins_with_it(driver: Any, tmp_path: Path) -> None:
    """Then Shift+Delete alone says that a person can't tell."""
    from selenium.webdriver.common.keys import Keys

    names = ["U", "V"]
    rows = [f"{i}.png,{names[i % 2]},0.4,uncertain,low,,,{i},m" for i in range(3)]
    driver.get(write_page(tmp_path, rows))
    press(driver, "/", "png", Keys.ENTER, "u")
    shift(driver, Keys.DELETE)
    tags = [tag.get_attribute("data-text") for tag in driver.find_elements("css selector", ".tag")]
    assert tags == ["✓", "?"]


@pytest.mark.parametrize("width", [390, 1200])
def test_what_a_person_has_to_know_is_seen_at_any_width(driver: Any, thirty: str, width: int) -> None:
    """The line above the scans takes two lines, or is not there on a phone."""
    size(driver, width, 800, phone=width == 390)
    driver.get(thirty)
    driver.execute_script(f"{REFUSING} window.refusal = 'AbortError';")
    press(driver, "7")
    driver.find_element("id", "save").click()
    place = "notice" if width == 390 else "said"
    assert driver.find_element("id", place).text == NO_FILE
    box = script(driver, f"document.getElementById('{place}').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= width
    assert box["bottom"] <= 800
    height = script(driver, f"document.getElementById('{place}').scrollHeight")
    assert height <= box["height"] + 1
    press(driver, "\ue014")
    assert driver.find_element("id", place).text == ""


def test_a_done_group_that_a_person_came_back_to_stays(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(two_groups(tmp_path, 0))
    press(driver, "0", "8")
    assert group(driver) == "Doubtful 5"
    press(driver, "[", "3", Keys.ARROW_LEFT, "4")
    assert group(driver) == "Doubtful 0"
    assert text(driver, "#group-count") == DONE
    press(driver, "n")
    assert group(driver) == "Doubtful 5"


def test_escape_in_the_search_goes_back_to_the_group(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(two_groups(tmp_path, 0))
    driver.find_element("id", "search").send_keys("1.png")
    assert group(driver) == "Search"
    driver.find_element("id", "search").send_keys(Keys.ESCAPE)
    assert (group(driver), text(driver, "#group-count")) == ("Doubtful 0", "2 of 2 left")


def test_what_was_not_saved_is_seen_above_the_dialog(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    driver.execute_script(f"{REFUSING} window.refusal = 'AbortError';")
    press(driver, "7")
    driver.find_element("id", "end-button").click()
    driver.find_element("id", "end-save").click()
    assert driver.find_element("css selector", "dialog[open] #notice").is_displayed()

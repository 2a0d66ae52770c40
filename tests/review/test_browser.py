"""The page in a real browser: what a person does, and what arrives on the disk."""

from __future__ import annotations

import base64
import io
import re
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from digitsort import read_labels
from digitsort.review import page as review_page
from tests.conftest import digit_image, digit_png, invoke, make_tree
from tests.review.browser import errors, size, wait_for_next_group

HEADER = "path,label,confidence,status,reason,second,second_confidence,sha256,model"
STATUSES = ("uncertain", "uncertain", "ok")


def line(index: int) -> str:
    """A row: 0.30, 0.32 … sure; the labels go round from 0 to 9."""
    status = STATUSES[index % 3]
    reason = "" if status == "ok" else "low confidence"
    name = f'scan {index}, "half".png'.replace('"', '""')
    return (
        f'"in/{name}",{index % 10},{0.3 + index / 50:.4f},{status},{reason},{(index + 1) % 10},0.1000,'
        f"{index:064x},abcdefabcdef"
    )


def write_page(folder: Path, lines: list[str], *options: str, pause: int = 0) -> str:
    """Make the page of a labels.csv, of whose files the first exists; gives its address.

    Most tests need no pause after a group: it lasts `pause` ms.
    """
    make_tree(folder, {"labels.csv": "\n".join([HEADER, *lines, ""])})
    first = next(read_labels(folder / "labels.csv")).path
    make_tree(folder, {} if Path(first).exists() else {first: b""})
    page = folder / "review.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review_page, "PAUSE_MS", pause)
        done = invoke("review", folder / "labels.csv", "-o", page, "-q", "--force", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    return page.as_uri()


@pytest.fixture(scope="module")
def thirty_cards(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of thirty cards, the uncertain first; every tenth has its picture."""
    folder = tmp_path_factory.mktemp("thirty")
    pictures = {f'scan {i}, "half".png': digit_png(i % 10) for i in range(0, 30, 10)}
    make_tree(folder, {"in": pictures})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review_page, "FEW_PER_LABEL", 0)  # a group for each label
        write_page(folder, [line(index) for index in range(30)], "--all")
    return (folder / "review.html").read_text(encoding="utf-8")


@pytest.fixture
def thirty(thirty_cards: str, tmp_path: Path) -> str:
    """The page, with a progress of its own: what another test kept may arrive late."""
    page = tmp_path / "thirty.html"
    own, count = re.subn(r"digitsort:[0-9a-f]{32}", f"digitsort:{secrets.token_hex(16)}", thirty_cards)
    assert count == 1
    page.write_text(own, encoding="utf-8", newline="")
    return page.as_uri()


def press(driver: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver).send_keys(*keys).perform()


def text(driver: Any, query: str) -> str:
    found: str = driver.execute_script("return document.querySelector(arguments[0]).textContent", query)
    return found


def corner(driver: Any, query: str) -> str:
    """What a corner of a tile shows; the style sheet writes it."""
    found: str = driver.find_element("css selector", query).get_attribute("data-text")
    return found


def printed(driver: Any) -> str:
    """The text of the page on paper."""
    pdfium = pytest.importorskip("pypdfium2")
    made = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]
    pages = pdfium.PdfDocument(base64.b64decode(made))
    return "\n".join(page.get_textpage().get_text_range() for page in pages)


def await_progress(driver: Any, expected: str, *, reload: bool = False) -> None:
    """Wait for it; a browser under load writes a kept label down some time after it was pressed."""
    deadline = time.monotonic() + 20
    while True:
        if reload:
            driver.refresh()
        if text(driver, "#progress-text") == expected or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert text(driver, "#progress-text") == expected


def paths(driver: Any) -> list[str]:
    """File names of the cards that the filters leave, as far as they are in sight."""
    found: list[str] = driver.execute_script(
        "return [...document.querySelectorAll('.tile')]"
        ".sort((a, b) => a.dataset.place - b.dataset.place).map((e) => e.ariaLabel.split(': ').pop())"
    )
    return found


def open_group(driver: Any, title: str) -> None:
    """Click on a group."""
    (button,) = (
        found
        for found in driver.find_elements("css selector", ".queue")
        if found.find_element("css selector", "span").text == title
    )
    button.click()


def shift(driver: Any, *keys: str) -> None:
    """Press keys while Shift is held."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(driver).key_down(Keys.SHIFT).send_keys(*keys).key_up(Keys.SHIFT).perform()


def ctrl(driver: Any, *keys: str) -> None:
    """Press keys while Ctrl is held."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    chain = ActionChains(driver).key_down(Keys.CONTROL)
    if keys[0] == Keys.SHIFT:
        chain.key_down(Keys.SHIFT).send_keys(*keys[1:]).key_up(Keys.SHIFT)
    else:
        chain.send_keys(*keys)
    chain.key_up(Keys.CONTROL).perform()


def script(driver: Any, code: str) -> Any:
    return driver.execute_script(f"return {code}")


def downloaded(folder: Path) -> bytes:
    """The only file there, once it is complete; it is removed."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        files = list(folder.glob("*")) if folder.exists() else []
        if len(files) == 1 and files[0].suffix == ".csv" and files[0].stat().st_size:
            content = files[0].read_bytes()
            assert re.fullmatch(r"corrections-\d{4}-\d\d-\d\d-\d{6}\.csv", files[0].name)
            files[0].unlink()
            return content
        time.sleep(0.05)
    raise AssertionError(f"no download: {files}")


IN_ORDER = sorted(range(30), key=lambda i: (i % 3 == 2, i % 10, i))
"""Uncertain ones by label, then the accepted ones by label."""


def test_thirty_cards_by_keyboard_and_the_corrections_byte_for_byte(
    driver: Any, chromium: tuple[Any, Path], thirty: str
) -> None:
    """The rows come back verbatim, in the order of the labels.csv, with `human` added."""
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    human = {}
    keys = [("7", Keys.ENTER, "x")[place % 3] for place in range(30)]
    for key, index in zip(keys, IN_ORDER, strict=True):
        human[index] = {"7": "7", Keys.ENTER: str(index % 10), "x": "_none"}[key]
    press(driver, *keys)
    assert text(driver, "#progress-text") == "30 of 30 reviewed"
    driver.find_element("id", "end-save").click()
    expected = "".join(f"{line(index)},{human[index]}\n" for index in range(30))
    assert downloaded(chromium[1]) == f"{HEADER},human\n{expected}".encode()


def test_a_letter_sets_a_class_of_that_name(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    rows = [line(index).replace(f",{index},", ",plus,", 1) for index in range(2)]
    driver.get(write_page(tmp_path, [*rows, line(3).replace(",3,", ",minus,", 1)]))
    press(driver, "m", "P", "x")  # after the last one, a dialog opens
    driver.find_element("id", "end-save").click()
    saved = downloaded(chromium[1]).decode().splitlines()[1:]
    assert [row.rpartition(",")[2] for row in saved] == ["plus", "_none", "minus"]  # minus is first


def test_only_touched_rows_are_saved(driver: Any, chromium: tuple[Any, Path], thirty: str) -> None:
    driver.get(thirty)
    assert not driver.find_element("id", "save").is_enabled()
    press(driver, "5")
    driver.find_element("id", "save").click()
    assert downloaded(chromium[1]) == f"{HEADER},human\n{line(0)},5\n".encode()


def test_a_reload_keeps_the_progress(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "1", "2", "x")
    await_progress(driver, "3 of 30 reviewed", reload=True)
    assert "scan 21," in text(driver, "#loupe-path")  # the first that is open


@pytest.mark.slow
def test_two_tabs_of_a_page_keep_in_step(driver: Any, thirty: str) -> None:
    """What is labelled in one is seen in the other, so that neither overwrites the other's."""
    driver.get(thirty)
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    try:
        driver.get(thirty)
        press(driver, "1", "2")
        second = driver.current_window_handle
        driver.switch_to.window(first)
        await_progress(driver, "2 of 30 reviewed")
        driver.find_element("css selector", "[data-label='3']").click()
        assert text(driver, "#progress-text") == "3 of 30 reviewed"
        driver.switch_to.window(second)
        await_progress(driver, "3 of 30 reviewed")
        driver.close()
    finally:
        driver.switch_to.window(first)


@pytest.mark.slow
def test_another_labels_csv_has_its_own_progress(driver: Any, thirty: str, tmp_path: Path) -> None:
    driver.get(thirty)
    press(driver, "1")
    driver.get(write_page(tmp_path, [line(index) for index in range(29)], "--all"))
    assert text(driver, "#progress-text") == "0 of 29 reviewed"


@pytest.mark.slow
def test_moving_and_taking_back(driver: Any, thirty: str) -> None:
    """Backspace removes the label of the selected scan, else it undoes the last step."""
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    open_group(driver, "Accepted 5")
    press(driver, "4")
    assert "scan 26," in text(driver, "#loupe-path")  # the next group
    press(driver, Keys.BACKSPACE)  # nothing here yet: the last one, scan 5
    assert "scan 5," in text(driver, "#loupe-path")
    press(driver, "8", "[", Keys.BACKSPACE)
    assert "scan 5," in text(driver, "#loupe-path")
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    press(driver, "/", "scan", Keys.ENTER, Keys.END)
    assert "scan 29," in text(driver, "#loupe-path")
    press(driver, Keys.HOME, Keys.ARROW_DOWN)
    first_row = script(driver, "document.querySelectorAll('.tile[style*=\", 0px)\"]').length")
    assert f"card-{first_row}" == driver.find_element("id", "grid").get_attribute(
        "aria-activedescendant"
    )


@pytest.mark.slow
def test_a_search_finds_scans_and_its_digits_are_no_labels(driver: Any, thirty: str) -> None:
    """What was found stays on the screen, also after its last label, until a key leaves the search."""
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "/", "CAN 12", Keys.ENTER, "3")
    assert text(driver, "#progress-text") == "1 of 30 reviewed"
    assert (text(driver, "#group-title"), text(driver, "#group-count")) == (
        "Search",
        "✓ done · n: next scan without a label",
    )
    assert paths(driver) == ['scan 12, "half".png']
    assert corner(driver, ".tile .tag") == "3"
    press(driver, "n")
    assert text(driver, "#group-title") == "Doubtful 1"
    assert script(driver, "document.getElementById('search').value") == ""


@pytest.mark.slow
def test_a_search_without_a_match_says_so_and_leads_back(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "/", "nothing like it")
    assert driver.find_element("id", "empty").is_displayed()
    driver.find_element("id", "clear-search").click()
    assert text(driver, "#group-title") == "Doubtful 0"


def test_one_key_confirms_the_rest_of_a_group_and_one_undoes_it(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    assert text(driver, "#group-title") == "Doubtful 0"
    press(driver, "6")
    shift(driver, Keys.ENTER)
    assert text(driver, "#progress-text") == "2 of 30 reviewed"
    assert text(driver, "#group-title") == "Doubtful 1"
    shift(driver, Keys.ENTER)
    ctrl(driver, "z")
    assert text(driver, "#progress-text") == "2 of 30 reviewed"
    assert (text(driver, "#group-title"), text(driver, "#group-count")) == ("Doubtful 1", "2 of 2 left")
    ctrl(driver, "z", "z", "z")
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    ctrl(driver, "y", "y")
    ctrl(driver, Keys.SHIFT, "z")
    assert text(driver, "#progress-text") == "4 of 30 reviewed"


@pytest.mark.slow
def test_the_rest_of_a_group_is_confirmed_only_once_it_was_seen(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    same = [line(0).replace("scan 0", f"scan {index}") for index in range(200)]
    driver.get(write_page(tmp_path, same))
    presses = 0
    while text(driver, "#progress-text") == "0 of 200 reviewed" and presses < 50:
        shift(driver, Keys.ENTER)
        presses += 1
    assert text(driver, "#progress-text") == "200 of 200 reviewed"
    assert presses > 3


def test_a_range_by_keyboard_has_one_label_and_is_one_step(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "/", "scan 2", Keys.ENTER)
    shift(driver, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert text(driver, "#loupe-many") == "3 scans selected"
    press(driver, "8")
    assert text(driver, "#progress-text") == "3 of 30 reviewed"
    ctrl(driver, "z")
    assert text(driver, "#progress-text") == "0 of 30 reviewed"


@pytest.mark.slow
def test_a_range_by_mouse(driver: Any, thirty: str) -> None:
    """By Shift+click, by dragging, and by a button for those who can do neither."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "/", "scan", Keys.ENTER)
    tiles = [driver.find_element("id", f"card-{place}") for place in range(7)]
    tiles[1].click()
    ActionChains(driver).key_down(Keys.SHIFT).click(tiles[3]).key_up(Keys.SHIFT).perform()
    assert text(driver, "#loupe-many") == "3 scans selected"
    ActionChains(driver).click_and_hold(tiles[5]).move_to_element(tiles[2]).release().perform()
    assert text(driver, "#loupe-many") == "4 scans selected"
    tiles[0].click()
    driver.find_element("id", "range").click()
    tiles[6].click()
    assert text(driver, "#loupe-many") == "7 scans selected"
    driver.find_element("css selector", "[data-label='8']").click()
    assert text(driver, "#progress-text") == "7 of 30 reviewed"


def touch(driver: Any, name: str, kind: str) -> None:
    """Touch a tile, or lift the finger."""
    box = driver.execute_script(
        "const b = document.getElementById(arguments[0]).getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]",
        name,
    )
    points = [{"x": box[0], "y": box[1]}] if kind == "touchStart" else []
    driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.mark.slow
def test_a_range_by_touch(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        driver.get(thirty)
        press(driver, "/", "scan", Keys.ENTER)
        for name in ("card-1", "card-4"):
            touch(driver, name, "touchStart")
            touch(driver, name, "touchEnd")
            if name == "card-1":
                driver.find_element("id", "range").click()
        deadline = time.monotonic() + 10
        while text(driver, "#loupe-many") == "" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert text(driver, "#loupe-many") == "4 scans selected"
    finally:
        driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


@pytest.mark.slow
def test_mouse_and_touch_have_keys_too(driver: Any, thirty: str) -> None:
    """The focus goes back to the scans after each control, so that the next key is a label."""
    driver.get(thirty)
    open_group(driver, "Accepted 5")
    driver.find_element("css selector", "[data-label='8']").click()
    assert script(driver, "document.activeElement.id") == "grid"
    driver.find_element("id", "undo").click()
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    assert corner(driver, ".tile .read") == "5"
    press(driver, "8")
    assert text(driver, "#progress-text") == "1 of 30 reviewed"


@pytest.mark.slow
def test_the_loupe_marks_the_ink_on_the_whole_scan(driver: Any, tmp_path: Path) -> None:
    digit = digit_image(5).resize((40, 40))
    scan = Image.new(digit.mode, (400, 200), digit.getpixel((0, 0)))
    scan.paste(digit, (300, 20))
    make_tree(tmp_path, {"a.png": scan})
    driver.get(write_page(tmp_path, ["a.png,5,0.4,uncertain,low,,,,m"]))
    whole, box = (
        script(driver, f"document.getElementById('loupe-{name}').getBoundingClientRect().toJSON()")
        for name in ("whole", "box")
    )
    assert 0.7 < (box["left"] - whole["left"]) / whole["width"] < 0.8
    assert 0.8 < (box["right"] - whole["left"]) / whole["width"] < 0.9
    assert 0 <= (box["top"] - whole["top"]) / whole["height"] < 0.2


def send_raw(driver: Any, key: dict[str, str], presses: tuple[bool, ...]) -> None:
    """Send key events as the browser makes them, once the page takes keys; True is a repeated one."""
    from selenium.webdriver.common.keys import Keys

    painted = "const d = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(d))"
    driver.execute_async_script(painted)
    press(driver, Keys.ESCAPE)
    for repeated in presses:
        event = {"type": "keyDown", "autoRepeat": repeated, **key}
        driver.execute_cdp_cmd("Input.dispatchKeyEvent", event)
    driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    await_progress(driver, "1 of 30 reviewed")
    press(driver, Keys.ESCAPE)


def test_a_held_key_labels_one_scan(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    send_raw(driver, {"key": "7", "code": "Digit7", "text": "7"}, (False, True, True))
    assert text(driver, "#progress-text") == "1 of 30 reviewed"


@pytest.mark.slow
def test_digits_of_a_keyboard_that_needs_shift_for_them(driver: Any, thirty: str) -> None:
    """On a French keyboard the key of 6 gives a minus, which is no change of size here."""
    driver.get(thirty)
    send_raw(driver, {"key": "-", "code": "Digit6", "text": "-"}, (False,))
    assert corner(driver, ".tile.changed .tag") == "6"


def test_undo_of_a_second_label_gives_the_first_one_back(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "6", Keys.ARROW_LEFT, "4")
    ctrl(driver, "z")
    assert corner(driver, ".tile.current .tag") == "6"
    assert text(driver, "#progress-text") == "1 of 30 reviewed"


@pytest.mark.slow
def test_all_scans_of_a_group_are_printed(driver: Any, tmp_path: Path) -> None:
    """Not only those in sight, in their order; afterwards the page scrolls as before."""
    sure = ",uncertain,low confidence,1,0.1,,m1"
    driver.get(write_page(tmp_path, [f"in/no{n}.png,0,0.{n}{sure}" for n in range(1000, 1400)]))
    in_sight = len(paths(driver))
    assert in_sight < 200
    assert [int(n) for n in re.findall(r"no(\d+)", printed(driver))] == list(range(1000, 1400))
    assert len(paths(driver)) == in_sight
    driver.find_element("css selector", "#search").send_keys("no139")
    assert len(re.findall(r"no139\d", printed(driver))) == 10


def test_a_scan_that_was_scrolled_away_is_not_labelled_unseen(driver: Any, tmp_path: Path) -> None:
    same = [line(0).replace("scan 0", f"scan {index}") for index in range(300)]
    driver.get(write_page(tmp_path, same))
    driver.execute_script("document.getElementById('pane').scrollTop = 2000")
    press(driver, "5")
    assert text(driver, "#progress-text") == "0 of 300 reviewed"
    assert script(driver, "document.getElementById('pane').scrollTop") < 100
    press(driver, " ")  # which scrolls nothing
    assert text(driver, "#progress-text") == "1 of 300 reviewed"
    assert script(driver, "document.getElementById('pane').scrollTop") < 100


@pytest.mark.slow
def test_what_is_not_saved_is_said_and_enter_after_save_saves_no_second_time(
    driver: Any, chromium: tuple[Any, Path], thirty: str
) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    assert float(driver.find_element("id", "save").value_of_css_property("opacity")) < 1
    assert script(driver, "dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    press(driver, "5", "6")
    assert text(driver, "#unsaved") == "2 not saved"
    assert not script(driver, "dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    driver.find_element("id", "save").click()
    downloaded(chromium[1])
    assert text(driver, "#unsaved").startswith("saved ")
    assert script(driver, "dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    press(driver, Keys.ENTER)  # the focus is on the scans again
    assert text(driver, "#unsaved") == "1 not saved"
    assert text(driver, "#progress-text") == "3 of 30 reviewed"
    assert list(chromium[1].glob("*")) == []


FAKE_FILE = """
window.written = [];
window.showSaveFilePicker = async (options) => {
  window.asked = (window.asked ?? 0) + 1;
  return {
    name: "my labels.csv",
    createWritable: async () => ({
      write: async (text) => written.push(text),
      close: async () => {},
    }),
  };
};
"""


@pytest.mark.slow
def test_one_file_is_written_again_and_again_where_the_browser_can(driver: Any, thirty: str) -> None:
    """The person is asked once; after that every change is saved by itself."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get(thirty)
    driver.execute_script(FAKE_FILE)
    press(driver, "5")
    ctrl(driver, "s")
    wait = WebDriverWait(driver, 20, 0.05)
    wait.until(lambda _: script(driver, "written.length") == 1)
    press(driver, "6")
    wait.until(lambda _: script(driver, "written.length") == 2)
    assert script(driver, "asked") == 1
    assert script(driver, "written[1]") == f"{HEADER},human\n{line(0)},5\n{line(10)},6\n"
    wait.until(lambda _: text(driver, "#unsaved").startswith("saved "))


def test_the_last_label_shows_what_to_do_next(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(write_page(tmp_path, [line(0), line(1)]))
    press(driver, "4", "4")
    assert driver.find_element("id", "end").is_displayed()
    assert text(driver, "#end-title") == "All 2 scans reviewed"
    assert text(driver, "#end-state") == "2 labels not saved yet."
    driver.find_element("id", "end-save").click()
    assert re.fullmatch(r"Saved to corrections-[\d-]+\.csv\.", text(driver, "#end-state"))
    name = text(driver, "#end-state").split()[-1].rstrip(".")
    lines = driver.find_element("id", "end-commands")
    assert driver.execute_script("const e = arguments[0]; return e.scrollWidth <= e.clientWidth", lines)
    first = text(driver, "#end-commands").splitlines()[0]
    assert first == f"digitsort sort {tmp_path / 'labels.csv'} sorted --corrections ~/Downloads/{name}"
    downloaded(chromium[1])
    press(driver, Keys.ESCAPE, "5")
    assert text(driver, "#said") == "Labelled 5."
    assert not driver.find_element("id", "end").is_displayed()


@pytest.mark.slow
def test_a_double_click_confirms_one_group(driver: Any, thirty: str) -> None:
    """The page is at the next group by the second click."""
    from selenium.webdriver.common.action_chains import ActionChains

    driver.get(thirty)
    rest = next(
        button
        for button in driver.find_elements("css selector", "#keys button")
        if button.text == "✓ Confirm all"
    )
    ActionChains(driver).double_click(rest).perform()
    assert text(driver, "#group-title") == "Doubtful 1"
    assert text(driver, "#progress-text") == "2 of 30 reviewed"


def test_a_model_of_letters(driver: Any, tmp_path: Path) -> None:
    """An x is the letter X there, a lower-case letter its upper-case class, and N no command."""
    from selenium.webdriver.common.keys import Keys

    rows = [f"{i}.png,{name},0.4,uncertain,low,,,{i},m" for i, name in enumerate("AXNAA")]
    driver.get(write_page(tmp_path, rows))
    press(driver, "/", "png", Keys.ENTER, "x", "n", Keys.DELETE)
    tags = [tag.get_attribute("data-text") for tag in driver.find_elements("css selector", ".tag")]
    assert tags == ["X", "N", "✗"]


@pytest.mark.slow
def test_a_model_of_words(driver: Any, tmp_path: Path) -> None:
    """A class without a key: first letters until one class is left; Enter takes the first of them."""
    from selenium.webdriver.common.keys import Keys

    names = ["plus", "po", "pop", "minus"]
    rows = [f"{i}.png,plus,0.4,uncertain,low,{names[i % 4]},0.1,{i},m" for i in range(4)]
    rows += [f"{i}.png,{names[i % 4]},1.0,ok,,,,{i},m" for i in range(4, 8)]
    driver.get(write_page(tmp_path, rows))
    press(driver, "m", "p", "l", "p", "o")
    assert "po, pop" in text(driver, "#said")
    press(driver, Keys.ENTER)
    tags = [tag.get_attribute("data-text") for tag in driver.find_elements("css selector", ".tag")]
    assert tags == ["minus", "✓", "po"]


@pytest.mark.slow
def test_a_number_is_typed(driver: Any, tmp_path: Path) -> None:
    """Any number may be typed; one that is not complete does not follow to the next scan."""
    from selenium.webdriver.common.keys import Keys

    rows = [f"{i}.png,198{i},0.4,uncertain,low,,,{i},m+number" for i in range(4)]
    driver.get(write_page(tmp_path, rows))
    press(driver, "2", "0", "5", Keys.BACKSPACE, "7")
    assert "207…" in text(driver, "#said")
    press(driver, Keys.ENTER, Keys.ENTER, "3", Keys.ARROW_RIGHT, "7", Keys.ENTER)
    tags = [tag.get_attribute("data-text") for tag in driver.find_elements("css selector", ".tag")]
    assert tags == ["207", "✓", "7"]
    driver.refresh()
    assert text(driver, "#progress-text") == "3 of 4 reviewed"


@pytest.mark.slow
def test_single_keys_can_be_switched_off(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "?")
    driver.find_element("id", "single").click()
    press(driver, Keys.ESCAPE, "7")
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    press(driver, Keys.ENTER)
    assert text(driver, "#progress-text") == "1 of 30 reviewed"


@pytest.mark.slow
def test_the_full_stop_takes_the_second_guess_and_plus_makes_tiles_larger(
    driver: Any, thirty: str
) -> None:
    driver.get(thirty)
    before = driver.find_element("css selector", ".tile").size["width"]
    press(driver, "+", ".")
    assert corner(driver, ".tile.changed .tag") == "1"
    assert driver.find_element("css selector", ".tile").size["width"] > before


@pytest.mark.slow
def test_help_opens_and_its_keys_do_nothing_else(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "?", "5")
    assert driver.find_element("id", "help").is_displayed()
    assert driver.switch_to.active_element.get_attribute("id") == "help-close"
    press(driver, Keys.ESCAPE)
    assert not driver.find_element("id", "help").is_displayed()
    assert text(driver, "#progress-text") == "0 of 30 reviewed"


@pytest.mark.slow
def test_labels_can_be_forgotten_after_a_second_press(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "1", "?")
    driver.find_element("id", "forget").click()
    assert text(driver, "#progress-text") == "1 of 30 reviewed"
    driver.find_element("id", "forget").click()
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    assert driver.execute_script("return localStorage.length") == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "height", "phone"), [(360, 740, True), (1400, 900, False), (320, 256, False)]
)
def test_nothing_is_wider_than_the_window(
    driver: Any, thirty: str, width: int, height: int, phone: bool
) -> None:
    """Also at a zoom of 400 %, where the selected scan can be seen."""
    size(driver, width, height, phone=phone)
    driver.get(thirty)
    assert script(driver, "document.documentElement.scrollWidth") == width
    press(driver, "7")
    box = script(driver, "document.querySelector('.tile.current').getBoundingClientRect().toJSON()")
    assert 0 <= box["top"] < box["bottom"] <= height
    driver.execute_script("document.getElementById('overview').showModal()")
    assert script(driver, "document.documentElement.scrollWidth") == width


@pytest.mark.slow
def test_a_screen_reader_hears_every_card(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "7")
    grid = driver.find_element("id", "grid")
    current = driver.find_element("id", grid.get_attribute("aria-activedescendant"))
    assert current.get_attribute("aria-label") == (
        'read as 0, confidence 0.5000, or 1, doubtful, low confidence: scan 10, "half".png'
    )
    assert current.get_attribute("aria-setsize") == "2"
    assert "Labelled 7. 1 of 30 reviewed" in text(driver, "#say")
    unnamed = driver.execute_script(
        "return [...document.querySelectorAll('button, select, input')]"
        ".filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).length"
    )
    assert unnamed == 0


EVIL = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)<\\/script>",
    "</script><script>alert(1)</script>",
    "'\"><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "${alert(1)}`",
    "</title><iframe src=http://example.invalid></iframe>",
    "<!--<script>",
    "javascript:alert(1)",
    "\u2028alert(1)\u2029",
    "&lt;b&gt;&amp;",
    "\u202egnp.evil",
    "<style>@import 'http://example.invalid'</style>",
    "]]>",
    "a\\'b\\",
    "<base href=http://example.invalid>",
    '=HYPERLINK("http://example.invalid")',
    "<link rel=stylesheet href=http://example.invalid>",
    "<meta http-equiv=refresh content=0;http://example.invalid>",
    "<a href=http://example.invalid ping=http://example.invalid>",
)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@pytest.mark.slow
def test_two_hundred_hostile_names_and_reasons_are_text(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """No dialog, no request (see the fixture), no element of theirs; saved as they were written."""
    lines = [
        f"{quoted(f'{name}{i}.png')},3,0.5000,uncertain,{quoted(name)},{quoted(name)},0.1,{i:064x},m"
        for i in range(10)
        for name in EVIL
    ]
    assert len(lines) == 200
    driver.get(write_page(tmp_path, lines))
    press(driver, *["3"] * 200)
    assert text(driver, "#progress-text") == "200 of 200 reviewed"
    foreign = (
        "iframe, svg[onload], base, meta[http-equiv=refresh], link:not([rel=icon]), .tile img, .tile a"
    )
    assert driver.execute_script("return document.querySelectorAll(arguments[0]).length", foreign) == 0
    assert driver.title == "Review of labels.csv · digitsort"
    driver.find_element("id", "end-save").click()
    saved = downloaded(chromium[1]).decode().split("\n")
    assert [row.rpartition(",")[0].encode() for row in saved[1:-1]] == [
        written_again(row).encode() for row in lines
    ]


def written_again(row: str) -> str:
    """A row as digitsort writes it: quoted only where it has to be."""
    import csv

    from digitsort.labels.table import line_of

    return line_of(next(csv.reader([row]))).removesuffix("\n")


ODD_NOTES = [
    "a\nb",
    "a\rb",
    "a\r\nb",
    'say "7"',
    "7,8",
    "\u2028\u2029\x85",
    "=1+1",
    "'=1+1",
    "\tx",
    "\ufeffx",
    "",
]


@pytest.mark.slow
def test_any_cell_of_the_table_comes_back_from_the_page(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """A note with a line break is one cell of one row, and no cell becomes a formula."""
    import csv

    from digitsort.labels.labels_csv import read_labels
    from digitsort.labels.table import escaped, unescaped

    table = io.StringIO(newline="")
    writer = csv.writer(table, quoting=csv.QUOTE_ALL)
    writer.writerow(["=note", "path", "label", "status", "my\nnote"])
    writer.writerows([note, f"{n}.png", "7", "uncertain", note] for n, note in enumerate(ODD_NOTES))
    make_tree(tmp_path, {"labels.csv": table.getvalue(), "0.png": b""})
    page = tmp_path / "review.html"
    assert invoke("review", tmp_path / "labels.csv", "-o", page, "-q").exit_code == 0
    driver.get(page.as_uri())
    press(driver, *"3" * len(ODD_NOTES))
    driver.find_element("id", "end-save").click()
    (tmp_path / "c.csv").write_bytes(downloaded(chromium[1]))
    with (tmp_path / "c.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == ["'=note", "path", "label", "status", "my\nnote", "human"]
    assert rows == [
        [escaped(note), f"{n}.png", "7", "uncertain", escaped(note), "3"]
        for n, note in enumerate(map(unescaped, ODD_NOTES))
    ]
    assert [row.cells["=note"] for row in read_labels(tmp_path / "c.csv")] == [
        *map(unescaped, ODD_NOTES)
    ]


@pytest.mark.slow
def test_the_policy_stops_what_might_slip_in(driver: Any, thirty: str) -> None:
    """Were a script or a picture from outside to get into the page, the browser would refuse it."""
    driver.get(thirty)
    driver.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.slipped = 1';"
        "document.body.append(s); new Image().src = 'http://example.invalid/x.png';"
    )
    assert driver.execute_script("return window.slipped") is None
    told = errors(driver)
    assert len(told) == 2
    assert all("Content Security Policy" in message for message in told)


@pytest.mark.slow
def test_rows_labelled_before_come_with_their_labels(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """An earlier corrections.csv is not lost by a second sitting, and can be taken back."""
    from selenium.webdriver.common.keys import Keys

    lines = [line(index) for index in range(4)]
    make_tree(tmp_path, {"c.csv": f"{HEADER},human\n{line(0)},8\n{line(2)},_none\n"})
    driver.get(write_page(tmp_path, lines, "--corrections", str(tmp_path / "c.csv")))
    assert text(driver, "#progress-text") == "2 of 4 reviewed"
    open_group(driver, "Labelled before")
    driver.find_element("css selector", ".tile.changed").click()
    press(driver, Keys.BACKSPACE)
    await_progress(driver, "1 of 4 reviewed", reload=True)
    driver.find_element("id", "save").click()
    assert downloaded(chromium[1]) == f"{HEADER},human\n{line(2)},_none\n".encode()


def test_the_report_of_an_evaluation(driver: Any, tmp_path: Path, model_file: Path) -> None:
    """The same family of page: no script of its own, hostile names are text, nothing is too wide."""
    known = {"1": {f"{name}.png": digit_png(7) for name in ("<b>x", "{{7*7}}", "'\"&amp;")}}
    make_tree(tmp_path, {"known": known})
    done = invoke("evaluate", tmp_path / "known", "-m", model_file, "--report", tmp_path / "r.html")
    assert done.exit_code == 0
    size(driver, 360, 740, phone=True)
    driver.get((tmp_path / "r.html").as_uri())
    shown = [element.text for element in driver.find_elements("css selector", ".mistakes .path")]
    assert sorted(Path(path).name for path in shown) == ["'\"&amp;.png", "<b>x.png", "{{7*7}}.png"]
    assert driver.find_elements("css selector", ".mistakes b > b") == []
    assert driver.execute_script("return document.documentElement.scrollWidth") == 360
    assert len(driver.find_elements("css selector", "figure svg")) == 2


@pytest.mark.slow
def test_the_readmes_person_saves_what_its_outputs_rest_on(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """Every sample labelled on the page, by its truth, is the corrections.csv of the README's test."""
    from tests.readme import label_as_the_person_does, run_commands, samples_truth

    run_commands(["digitsort classify sample_images", "digitsort review labels.csv"], tmp_path)
    label_as_the_person_does(tmp_path)
    driver.get((tmp_path / "review.html").as_uri())
    truth = samples_truth(tmp_path)
    for _ in truth:
        label = truth[text(driver, "#loupe-path")]
        press(driver, "x" if label == "_none" else label)
        wait_for_next_group(driver)
    driver.find_element("id", "end-save").click()
    assert downloaded(chromium[1]) == (tmp_path / "corrections.csv").read_bytes()

"""The page in a real browser: what a person does, and what arrives on the disk."""

from __future__ import annotations

import io
import re
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from digitsort import read_labels
from tests.conftest import digit_png, invoke, make_tree
from tests.review.browser import errors, size

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


def write_page(folder: Path, lines: list[str], *options: str) -> str:
    """Make the page of a labels.csv, of whose files the first exists; gives its address."""
    make_tree(folder, {"labels.csv": "\n".join([HEADER, *lines, ""])})
    first = next(read_labels(folder / "labels.csv")).path
    make_tree(folder, {} if Path(first).exists() else {first: b""})
    page = folder / "review.html"
    done = invoke("review", folder / "labels.csv", "-o", page, "-q", "--force", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    return page.as_uri()


@pytest.fixture(scope="module")
def thirty_cards(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of thirty cards, the uncertain first; every tenth has its picture."""
    folder = tmp_path_factory.mktemp("thirty")
    pictures = {f'scan {i}, "half".png': digit_png(i % 10) for i in range(0, 30, 10)}
    make_tree(folder, {"in": pictures})
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
        "return [...document.querySelectorAll('.card .file')].map((e) => e.textContent)"
    )
    return found


def choose(driver: Any, name: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(driver.find_element("id", name)).select_by_value(value)


def downloaded(folder: Path) -> bytes:
    """The only file there, once it is complete; it is removed."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        files = list(folder.glob("*")) if folder.exists() else []
        if len(files) == 1 and files[0].suffix == ".csv" and files[0].stat().st_size:
            content = files[0].read_bytes()
            assert files[0].name == "corrections.csv"
            files[0].unlink()
            return content
        time.sleep(0.05)
    raise AssertionError(f"no download: {files}")


IN_ORDER = [i for i in range(30) if i % 3 != 2] + [i for i in range(30) if i % 3 == 2]
"""Uncertain ones by confidence, then the accepted."""


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
    driver.find_element("id", "save").click()
    expected = "".join(f"{line(index)},{human[index]}\n" for index in range(30))
    assert downloaded(chromium[1]) == f"{HEADER},human\n{expected}".encode()


def test_a_letter_sets_a_class_of_that_name(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    rows = [line(index).replace(f",{index},", ",plus,", 1) for index in range(2)]
    driver.get(write_page(tmp_path, [*rows, line(3).replace(",3,", ",minus,", 1)]))
    press(driver, "m", "P", "x")
    driver.find_element("id", "save").click()
    saved = downloaded(chromium[1]).decode().splitlines()[1:]
    assert [row.rpartition(",")[2] for row in saved] == ["minus", "plus", "_none"]


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
    assert "scan 4" in text(driver, "#dock-path")  # the first that is open


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


def test_another_labels_csv_has_its_own_progress(driver: Any, thirty: str, tmp_path: Path) -> None:
    driver.get(thirty)
    press(driver, "1")
    driver.get(write_page(tmp_path, [line(index) for index in range(29)], "--all"))
    assert text(driver, "#progress-text") == "0 of 29 reviewed"


def test_moving_and_taking_back(driver: Any, thirty: str) -> None:
    """Backspace takes back the label of the selected scan, else the last one given."""
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert "scan 1," in text(driver, "#dock-path")
    press(driver, "4", "4")
    assert text(driver, "#progress-text") == "2 of 30 reviewed"
    press(driver, Keys.BACKSPACE)  # nothing here yet: the last one, scan 3
    assert "scan 3," in text(driver, "#dock-path")
    press(driver, Keys.ARROW_LEFT, Keys.BACKSPACE)
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    press(driver, Keys.END)
    assert "scan 29," in text(driver, "#dock-path")
    press(driver, Keys.HOME, Keys.ARROW_DOWN)
    columns = int(
        driver.execute_script(
            "return getComputedStyle(document.querySelector('#window')).getPropertyValue('--columns')"
        )
    )
    assert f"scan {IN_ORDER[columns]}," in text(driver, "#dock-path")


def test_filters_and_search(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "9")
    choose(driver, "filter-status", "ok")
    assert paths(driver) == [f'scan {i}, "half".png' for i in range(2, 30, 3)]
    choose(driver, "filter-label", "5")
    assert paths(driver) == ['scan 5, "half".png']
    choose(driver, "filter-status", "")
    assert [p.split(",")[0] for p in paths(driver)] == ["scan 15", "scan 25", "scan 5"]
    choose(driver, "filter-label", "")
    choose(driver, "filter-done", "changed")
    assert paths(driver) == ['scan 0, "half".png']
    choose(driver, "filter-done", "")
    driver.find_element("css selector", "body").click()
    press(driver, "/", "CAN 12", Keys.ENTER, "3")  # digits in the search are no labels
    assert paths(driver) == ['scan 12, "half".png']
    assert text(driver, "#progress-text") == "2 of 30 reviewed"


def test_a_search_without_a_match_says_so_and_leads_back(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "/", "nothing like it")
    assert driver.find_element("id", "empty").is_displayed()
    driver.find_element("id", "clear-filters").click()
    assert len(paths(driver)) == 30


def test_mouse_and_touch_have_keys_too(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    driver.find_element("id", "card-3").click()
    driver.find_element("css selector", "[data-label='8']").click()
    assert "yours" in text(driver, "#card-3")
    assert driver.find_element("id", "card-4").get_attribute("aria-selected") == "true"
    driver.find_element("css selector", "[aria-label^='Undo']").click()
    assert text(driver, "#progress-text") == "0 of 30 reviewed"


def test_help_opens_and_its_keys_do_nothing_else(driver: Any, thirty: str) -> None:
    from selenium.webdriver.common.keys import Keys

    driver.get(thirty)
    press(driver, "?", "5")
    assert driver.find_element("id", "help").is_displayed()
    assert driver.switch_to.active_element.get_attribute("id") == "help-close"
    press(driver, Keys.ESCAPE)
    assert not driver.find_element("id", "help").is_displayed()
    assert text(driver, "#progress-text") == "0 of 30 reviewed"


def test_labels_can_be_forgotten_after_a_second_press(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "1", "?")
    driver.find_element("id", "forget").click()
    assert text(driver, "#progress-text") == "1 of 30 reviewed"
    driver.find_element("id", "forget").click()
    assert text(driver, "#progress-text") == "0 of 30 reviewed"
    assert driver.execute_script("return localStorage.length") == 0


@pytest.mark.parametrize(("width", "height", "phone"), [(360, 740, True), (1400, 900, False)])
def test_nothing_is_wider_than_the_window(
    driver: Any, thirty: str, width: int, height: int, phone: bool
) -> None:
    size(driver, width, height, phone=phone)
    driver.get(thirty)
    driver.find_element("css selector", ".overview summary").click()
    assert driver.execute_script("return document.documentElement.scrollWidth") == width


def test_a_screen_reader_hears_every_card(driver: Any, thirty: str) -> None:
    driver.get(thirty)
    press(driver, "7")
    grid = driver.find_element("id", "grid")
    current = driver.find_element("id", grid.get_attribute("aria-activedescendant"))
    assert current.get_attribute("aria-label") == (
        'scan 1, "half".png: read as 1, confidence 0.3200, or 2, low confidence'
    )
    assert current.get_attribute("aria-setsize") == "30"
    assert "7 set. 1 of 30 reviewed" in text(driver, "#say")
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
        "iframe, svg[onload], base, meta[http-equiv=refresh], link:not([rel=icon]), .card img, .card a"
    )
    assert driver.execute_script("return document.querySelectorAll(arguments[0]).length", foreign) == 0
    assert driver.title == "Review of labels.csv · digitsort"
    driver.find_element("id", "save").click()
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
    driver.find_element("id", "save").click()
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


def test_rows_labelled_before_come_with_their_labels(
    driver: Any, chromium: tuple[Any, Path], tmp_path: Path
) -> None:
    """An earlier corrections.csv is not lost by a second sitting, and can be taken back."""
    from selenium.webdriver.common.keys import Keys

    lines = [line(index) for index in range(4)]
    make_tree(tmp_path, {"c.csv": f"{HEADER},human\n{line(0)},8\n{line(2)},_none\n"})
    driver.get(write_page(tmp_path, lines, "--corrections", str(tmp_path / "c.csv")))
    assert text(driver, "#progress-text") == "2 of 4 reviewed"
    driver.find_element("css selector", ".card.changed").click()
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
        label = truth[text(driver, "#dock-path")]
        press(driver, "x" if label == "_none" else label)
    driver.find_element("id", "save").click()
    assert downloaded(chromium[1]) == (tmp_path / "corrections.csv").read_bytes()

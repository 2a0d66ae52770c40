"""WCAG 2.2 AA: axe-core finds nothing in any state of the pages; and what axe cannot see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import REPOSITORY, digit_png, invoke, make_tree
from tests.review.browser import media, size
from tests.review.test_browser import line, press, script, write_page

pytestmark = pytest.mark.slow

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """
const [rules, done] = arguments;
axe.run(document, { runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] })
  .then((found) => done(found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 150)} ${node.failureSummary}`))))
  .catch((error) => done([String(error)]));
"""


def violations(driver: Any) -> list[str]:
    """What axe-core finds."""
    if not AXE.exists():
        pytest.skip("no axe-core: npm install --no-save --ignore-scripts axe-core")
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    found: list[str] = driver.execute_async_script(RUN, list(RULES))
    return found


@pytest.fixture(scope="module")
def review_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with all kinds of groups; some scans have pictures, some none."""
    folder = tmp_path_factory.mktemp("axe")
    lines = [*map(line, range(30)), *(line(n).replace(",ok,", ",rejected,") for n in (32, 35))]
    make_tree(folder / "in", {f'scan {i}, "half".png': digit_png(i % 10) for i in range(0, 30, 5)})
    return write_page(folder, lines, "--all")


@pytest.fixture(scope="module")
def report_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of a reviewed table with an estimate, mistakes of both kinds, and a page of a model."""
    folder = tmp_path_factory.mktemp("report")
    lines = [line(i % 30).replace(f"scan {i % 30},", f"scan {i},", 1) for i in range(6_000)]
    make_tree(folder / "in", {f'scan {i}, "half".png': digit_png(i % 10) for i in range(0, 60, 7)})
    human = [f"{each},{(i + i % 7 // 6) % 10}" for i, each in enumerate(lines) if i < 5_900]
    header = "path,label,confidence,status,reason,second,second_confidence,sha256,model"
    make_tree(folder, {"labels.csv": "\n".join([header, *lines, ""])})
    make_tree(folder, {"c.csv": "\n".join([f"{header},human", *human, ""])})
    done = invoke(
        *("evaluate", folder / "labels.csv", "--corrections", folder / "c.csv"),
        *("--report", folder / "report.html", "-q"),
    )
    assert done.exit_code == 0, done.output
    return (folder / "report.html").as_uri()


def nothing(driver: Any) -> None:
    """Leave the page as it opens."""


def with_labels(driver: Any) -> None:
    press(driver, "7", "x", "+")


def with_search(driver: Any) -> None:
    press(driver, "/", "no such scan")


def with_help(driver: Any) -> None:
    press(driver, "?")


def with_overview(driver: Any) -> None:
    driver.find_element("id", "overview-button").click()


def with_end(driver: Any) -> None:
    driver.execute_script("document.getElementById('end-button').click()")


STATES = {each.__name__: each for each in (nothing, with_labels, with_search, with_help, with_overview)}
STATES["with_end"] = with_end


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_the_review_page(
    driver: Any, review_page: str, state: str, dark: bool, width: int
) -> None:
    arrange: Callable[[Any], None] = STATES[state]
    size(driver, width, 800, phone=width < 500)
    with media(driver, dark=dark):
        driver.get(review_page)
        arrange(driver)
        assert violations(driver) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_the_report(driver: Any, report_page: str, dark: bool, width: int) -> None:
    size(driver, width, 800)
    with media(driver, dark=dark):
        driver.get(report_page)
        assert violations(driver) == []


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_table_or_name_is_cut_off(driver: Any, report_page: str, width: int, forced: bool) -> None:
    """All columns of the matrix are seen at once, and all figures of the other tables."""
    size(driver, width, 800)
    with media(driver, forced=forced):
        driver.get(report_page)
        cut = (
            "[...document.querySelectorAll('.scroll, .guess, .counts li')]"
            ".filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.outerHTML.slice(0, 200))"
        )
        assert script(driver, cut) == []
        assert len(driver.find_elements("css selector", ".confusion tr:first-child th")) == 10


def test_the_report_is_printed_whole(driver: Any, report_page: str) -> None:
    """On paper nothing scrolls: what is wider than the page would be lost."""
    size(driver, 718, 1000)  # A4 less its margins, at 96 px per inch
    with media(driver, kind="print"):
        driver.get(report_page)
        wide = (
            "[...document.querySelectorAll('.report *')]"
            ".filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML)"
        )
        assert script(driver, wide) == []


@pytest.mark.parametrize(("width", "height"), [(320, 256), (320, 640), (640, 400)])
def test_the_pages_reflow(
    driver: Any, review_page: str, report_page: str, width: int, height: int
) -> None:
    """A window of 1280 px at a zoom of 400 %, and of 200 %, is one of 320 px or 640 px."""
    size(driver, width, height)
    for page in (review_page, report_page):
        driver.get(page)
        assert script(driver, "document.documentElement.scrollWidth") == width
    driver.get(review_page)
    for name in ("help-button", "save", "undo"):
        box = script(driver, f"document.getElementById('{name}').getBoundingClientRect().toJSON()")
        assert box["width"] == 0 or (box["left"] >= 0 and box["right"] <= width), name
    press(driver, "?")
    box = script(driver, "document.getElementById('help').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= width


def test_a_larger_font_makes_the_words_larger(driver: Any, review_page: str) -> None:
    """The user's own font size counts: no text has a size in px, except inside a picture."""
    driver.get(review_page)
    texts = "[...document.querySelectorAll('button, p, h1, .tile span')]"
    sizes = f"{texts}.map((e) => getComputedStyle(e).fontSize)"
    before = script(driver, sizes)
    driver.execute_script("document.documentElement.style.fontSize = '200%'")
    after = script(driver, sizes)
    assert [float(size[:-2]) for size in after] == pytest.approx(
        [float(size[:-2]) * 32 / 15 for size in before], rel=0.01
    )


def test_the_tab_key_goes_through_the_page_in_the_order_of_sight(driver: Any, review_page: str) -> None:
    """The element with the focus is marked visibly; among the scans, the selected one is."""
    from selenium.webdriver.common.keys import Keys

    driver.get(review_page)
    press(driver, "7")
    driver.execute_script("document.getElementById('undo').focus()")
    order: list[str] = []
    place = "document.activeElement.closest('header, nav, main, section')?.tagName ?? ''"
    while len(order) < 60 and (here := script(driver, place)):
        order.append(here)
        element = script(driver, "document.activeElement.id") == "grid"
        marked = ".tile.current" if element else ":focus"
        style = script(driver, f"getComputedStyle(document.querySelector('{marked}')).outlineStyle")
        assert style != "none", script(driver, "document.activeElement.outerHTML")
        press(driver, Keys.TAB)
    assert list(dict.fromkeys(order)) == ["HEADER", "NAV", "MAIN", "SECTION"]
    assert sorted(order, key=list(dict.fromkeys(order)).index) == order


def test_landmarks_and_names(driver: Any, review_page: str) -> None:
    driver.get(review_page)
    found = script(
        driver,
        "[...document.querySelectorAll('header, nav, main, aside, section')].map((e) =>"
        " [e.tagName, e.role ?? '', e.ariaLabel ?? ''])",
    )
    assert ["NAV", "", "Groups of scans"] in found
    assert ["MAIN", "", ""] in found
    assert ["ASIDE", "", "The selected scan"] in found
    assert ["SECTION", "", "What is it?"] in found
    name = script(driver, "document.querySelector('.tile.current').ariaLabel")
    assert name.startswith("read as 0, confidence")


def test_nothing_moves_where_a_person_wants_no_motion(
    driver: Any, review_page: str, report_page: str
) -> None:
    moving = (
        "[...document.querySelectorAll('*')].filter((e) => { const s = getComputedStyle(e);"
        " return s.animationName !== 'none' || parseFloat(s.transitionDuration) > 0 ||"
        " s.scrollBehavior === 'smooth'; }).length"
    )
    for page in (review_page, report_page):
        driver.get(page)
        assert script(driver, moving) == 0


def test_forced_colors_leave_what_colors_say(driver: Any, review_page: str, report_page: str) -> None:
    """The progress, the selection, the marks of plots and the right cells of the matrix are seen."""
    with media(driver, forced=True):
        driver.get(review_page)
        press(driver, "7", "7", "7")
        assert (
            script(driver, "getComputedStyle(document.querySelector('.tile.current')).outlineStyle")
            != "none"
        )
        tags = script(driver, "[...document.querySelectorAll('.tile .tag')].map((e) => e.textContent)")
        assert tags
        driver.get(report_page)
        right, other = (
            script(driver, f"getComputedStyle(document.querySelector('{cell}')).outlineStyle")
            for cell in (".confusion .right:not(.s0)", ".confusion .s0")
        )
        assert (right, other) == ("solid", "none")
        fill = script(driver, "getComputedStyle(document.querySelector('.chart circle')).fill")
        paper = script(driver, "getComputedStyle(document.body).backgroundColor")
        assert fill != paper

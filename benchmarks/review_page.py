"""Measure size and speed of the review page: `python -m benchmarks.review_page [--rows N …]`.

Rows of invented handwriting, all on the page. "load" is from the request to the first picture on
the screen, "move" the browser's work for one arrow key, layout included, and "label" for one digit key.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from digitsort.labels.labels_csv import COLUMNS
from digitsort.review.choose import Chooser
from digitsort.training.handwriting.generate import write_digits
from tests.review.browser import browser, size, why_no_browser

SCANS = 2_000
KEYS = 200

PRESS = """
const grid = document.getElementById("grid"), start = performance.now();
for (let i = 0; i < arguments[1]; i += 1) {
  grid.dispatchEvent(new KeyboardEvent("keydown", { key: arguments[0], bubbles: true }));
  void document.body.offsetHeight;
}
return (performance.now() - start) / arguments[1];
"""
PAINTED = """
const done = arguments[0];
requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
"""


def scans(folder: Path) -> list[tuple[str, str]]:
    """Write the pictures; gives names and labels."""
    found = []
    for index, (gray, label) in enumerate(write_digits(SCANS // 10, seed=5)):
        Image.fromarray(gray).resize((gray.shape[1] * 3, gray.shape[0] * 3)).save(
            folder / f"{index}.png"
        )
        found.append((f"{index}.png", label))
    return found


def lines(found: list[tuple[str, str]], count: int) -> Iterator[str]:
    """A labels.csv of so many rows, all uncertain."""
    yield ",".join(COLUMNS)
    for index in range(count):
        name, label = found[index * 7 % len(found)]
        yield f"{name},{label},{index % 9000 / 10000:.4f},uncertain,low confidence,7,0.1,,abc"


def make_page(folder: Path, rows: int) -> tuple[Path, float]:
    """Make the page; gives it with the seconds that it took."""
    from digitsort.labels.labels_csv import read_labels
    from digitsort.review.choose import read_source
    from digitsort.review.page import write_review

    start = time.perf_counter()
    table, page = folder / f"labels-{rows}.csv", folder / f"review-{rows}.html"
    chooser = Chooser(limit=None)
    source, tally = read_source(table, read_labels(table), {}, chooser)
    write_review(page, source, tally, chooser.choose())
    return page, time.perf_counter() - start


def measure(driver: Any, page: Path) -> tuple[float, float, float]:
    """Milliseconds to load, to move and to label."""
    driver.get(page.as_uri())
    load = driver.execute_async_script(PAINTED)
    move = driver.execute_script(PRESS, "ArrowRight", KEYS)
    label = driver.execute_script(PRESS, "7", KEYS)
    return load, move, label


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 5_000, 50_000])
    options = parser.parse_args()
    if reason := why_no_browser():
        print(f"skipped: {reason}")
        return
    print("| rows | made in | size | load | move | label |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name, browser(Path(name)) as driver:
        folder = Path(name)
        size(driver, 1280, 860)
        found = scans(folder)
        for rows in options.rows:
            table = folder / f"labels-{rows}.csv"
            table.write_text("\n".join([*lines(found, rows), ""]), encoding="utf-8")
            page, seconds = make_page(folder, rows)
            load, move, label = measure(driver, page)
            print(
                f"| {rows:,} | {seconds:.1f} s | {page.stat().st_size / 1e6:.1f} MB | {load:.0f} ms | "
                f"{move:.2f} ms | {label:.2f} ms |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Count keys and mistakes found on the review page: `python -m benchmarks.review_keys [--jobs NAME…]`.

Scans with known truth are classified and reviewed in Chromium with real key events, by a person who
makes no mistake: in each group of scans they go to those that are read wrong, label them (a run of
the same digit as one range) and confirm the rest. After each group they wait until the next one
opens. "plain" is a page with one key per scan, and a random sample of 200 accepted scans.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.data import MNIST_SEEN, Pixels, data_folder, mnist
from tests.review.browser import browser, size, wait_for_next_group, why_no_browser

NONE = "_none"
FOLDERS_OF_NONE = ("sign_none", "ssp_none", "stb_none")

JOBS = {"500 mixed": (450, True), "3,000 of MNIST": (3000, False), "5,000 mixed": (4800, True)}
"""Number of digits of each job, and whether half of the pictures without digits are added."""


def worsened(digit: Pixels, seed: int) -> Image.Image:
    """Return a scan of a digit: turned, blurred, with noise."""
    draw = np.random.default_rng(seed)
    image = Image.fromarray(255 - digit).resize((56, 56), Image.Resampling.BICUBIC)
    page = Image.new("L", (80, 80), 255)
    page.paste(image, (12, 12))
    page = page.rotate(draw.normal(0, 16), fillcolor=255, resample=Image.Resampling.BICUBIC)
    page = page.filter(ImageFilter.GaussianBlur(draw.uniform(0.3, 1.6)))
    noisy = np.asarray(page, np.float64) + draw.normal(0, 8, (80, 80))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def write_job(folder: Path, digits: int, has_none: bool) -> dict[str, str]:
    """Write scans from MNIST's kept half; return their truth by name."""
    images, labels = mnist()
    draw = random.Random(digits)
    chosen = draw.sample(range(MNIST_SEEN, len(images)), digits)
    scans = [(worsened(images[index], index), labels[index]) for index in chosen]
    if has_none:
        files = [p for name in FOLDERS_OF_NONE for p in sorted(data_folder("wild").glob(f"{name}/*/*"))]
        kept = files[1::2] if digits > len(files) * 5 else draw.sample(files[1::2], 50)
        scans += [(Image.open(file).convert("L"), NONE) for file in kept]
    draw.shuffle(scans)
    truth = {}
    for index, (image, label) in enumerate(scans):
        image.save(folder / f"{index:05}.png")
        truth[f"{index:05}.png"] = label
    return truth


def run(*words: str, cwd: Path) -> None:
    """Run digitsort."""
    subprocess.run([sys.executable, "-m", "digitsort", *words], cwd=cwd, check=True)


@dataclass
class Review:
    """A page in the browser, and its content.

    Attributes
    ----------
    driver : selenium's driver
    truth : dict of str to str
    cards : list of dict
    queues : list of dict
    keys : int
        Number of keys pressed.
    """

    driver: Any
    truth: dict[str, str]
    cards: list[dict[str, Any]] = field(default_factory=list)
    queues: list[dict[str, Any]] = field(default_factory=list)
    keys: int = 0

    def open(self, page: Path) -> None:
        """Read the page, and open it."""
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r'<script type="application/json"([^>]*)>(.*?)</script>', text, re.DOTALL)
        data = {name: json.loads(body) for name, body in blocks if "cards" not in name}
        fields = data[' id="settings"']["fields"]
        rows = [row for name, body in blocks if "cards" in name for row in json.loads(body)]
        self.cards = [dict(zip(fields, row, strict=True)) for row in rows]
        self.queues = data[' id="queue-data"']["queues"]
        for place, hint in data[' id="queue-data"']["hints"]:
            self.cards[place]["hint"] = hint
        self.driver.get(page.as_uri())

    def press(self, *keys: str, shift: bool = False) -> None:
        """Press keys, each of which counts; Shift is held with them and does not count."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        chain = ActionChains(self.driver, duration=0)
        chain = (
            chain.key_down(Keys.SHIFT).send_keys(*keys).key_up(Keys.SHIFT)
            if shift
            else chain.send_keys(*keys)
        )
        chain.perform()
        self.keys += len(keys)

    def columns(self) -> int:
        """Return the number of tiles side by side."""
        lefts = "[...document.querySelectorAll('.tile')].map((e) => e.getBoundingClientRect().x)"
        return int(self.driver.execute_script(f"return new Set({lefts}).size"))

    def group(self) -> str:
        """Return the title of the group on the screen."""
        return str(
            self.driver.execute_script("return document.getElementById('group-title').textContent")
        )

    def right_of(self, place: int) -> str:
        """Return the truth of a card."""
        return self.truth[self.cards[place]["path"]]

    def is_wrong(self, place: int) -> bool:
        """Return whether the guess on a card is wrong."""
        card = self.cards[place]
        return bool((card["label"] or NONE) != self.right_of(place))

    def review(self, queue: dict[str, Any]) -> None:
        """Review a group: label what is wrong, confirm the rest."""
        from selenium.webdriver.common.keys import Keys

        places, at, columns = queue["places"], 0, self.columns()
        for first, last in runs(places, self):
            self.press(*way(at, first, columns))
            self.press(*way(first, last, columns), shift=True)
            right = self.right_of(places[first])
            self.press("x" if right == NONE else right)
            at = min(last + 1, len(places) - 1)
        while not self.has_left(queue["title"]):
            self.press(Keys.ENTER, shift=True)

    def has_left(self, title: str) -> bool:
        """Return whether a group is done, after the pause in which it is still shown."""
        wait_for_next_group(self.driver)
        return self.group() != title or self.is_over()

    def is_over(self) -> bool:
        """Return whether all scans are reviewed."""
        return bool(self.driver.execute_script("return document.getElementById('end').open"))


def runs(places: Sequence[int], review: Review) -> Iterator[tuple[int, int]]:
    """Yield first and last position of neighbours that are wrong and have the same truth."""
    first = 0
    while first < len(places):
        last = first
        if review.is_wrong(places[first]):
            right = review.right_of(places[first])
            while (
                last + 1 < len(places)
                and review.is_wrong(places[last + 1])
                and review.right_of(places[last + 1]) == right
            ):
                last += 1
            yield first, last
        first = last + 1


def way(start: int, end: int, columns: int) -> list[str]:
    """Return the fewest arrow keys from one position to another, by rows and then by columns."""
    from selenium.webdriver.common.keys import Keys

    rows, across = divmod(abs(end - start), columns)
    ahead, down = (
        (Keys.ARROW_RIGHT, Keys.ARROW_DOWN) if end >= start else (Keys.ARROW_LEFT, Keys.ARROW_UP)
    )
    return [down] * rows + [ahead] * across


def measure(name: str, folder: Path, driver: Any) -> None:
    """Print the row of a job."""
    digits, has_none = JOBS[name]
    truth = write_job(folder, digits, has_none)
    run("classify", ".", "-o", "labels.csv", "-q", cwd=folder)
    run("review", "labels.csv", "-q", cwd=folder)
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    accepted = [row for row in rows if row["status"] == "ok"]
    wrong = sum(row["label"] != truth[row["path"]] for row in accepted)
    review = Review(driver, truth)
    review.open(folder / "review.html")
    counts: dict[str, int] = {}
    while not review.is_over():
        title = review.group()
        before = review.keys
        review.review(next(queue for queue in review.queues if queue["title"] == title))
        kind = "doubtful" if title.startswith(("Doubtful", "Rejected")) else title
        counts[kind] = counts.get(kind, 0) + review.keys - before
    unlike: list[int] = next(
        (q["places"] for q in review.queues if q["title"] == "Unlike the others"), []
    )
    found = sum(review.is_wrong(place) for place in unlike)
    doubtful = len(rows) - len(accepted)
    at_random = wrong * min(200, len(accepted)) / max(len(accepted), 1)
    keys, keys_unlike = (counts.get(kind, 0) for kind in ("doubtful", "Unlike the others"))
    cells = [name, f"{len(rows):,}", doubtful, keys, wrong, f"{at_random:.1f}", found, len(unlike)]
    print("|", " | ".join(map(str, [*cells, keys_unlike])), "|", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    options = parser.parse_args()
    if reason := why_no_browser():
        print(f"skipped: {reason}")
        return
    print(
        "| job | scans | doubtful = keys, plain | keys, groups | accepted and wrong "
        "| found among 200, plain (expected) | found, unlike | unlike | keys for these |"
    )
    print("|", " | ".join(["---"] * 9), "|")
    for name in options.jobs:
        with tempfile.TemporaryDirectory() as place, browser(Path(place) / "browser") as driver:
            size(driver, 1440, 900)
            folder = Path(place) / "job"
            folder.mkdir()
            measure(name, folder, driver)


if __name__ == "__main__":
    main()

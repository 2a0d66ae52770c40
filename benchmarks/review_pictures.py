"""Take the README's pictures of the review page: `python -m benchmarks.review_pictures [-o FOLDER]`."""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from digitsort.labels.labels_csv import NONE_LABEL
from tests.readme import samples_truth
from tests.review.browser import browser, size, wait_for_next_group, why_no_browser

SAMPLES = Path(__file__).parent.parent / "sample_images"
COLORS = 96
"""Enough for a picture of few colours, and a small file."""


@dataclass(frozen=True)
class Shot:
    """A picture: its size in CSS px, its look, and how many scans a person has labelled before."""

    name: str
    width: int
    height: int
    scale: float
    phone: bool
    dark: bool
    labelled: int


SHOTS = (
    Shot("review.png", 1100, 640, 1, phone=False, dark=False, labelled=6),
    Shot("review_phone.png", 390, 780, 1.2, phone=True, dark=True, labelled=6),
)


def make_page(folder: Path) -> Path:
    """Label the samples and make their page."""
    shutil.copytree(SAMPLES, folder / "sample_images")
    for command in (["classify", "sample_images", "-q"], ["review", "labels.csv", "--all", "-q"]):
        subprocess.run([sys.executable, "-m", "digitsort", *command], cwd=folder, check=True)
    return folder / "review.html"


def take(shot: Shot, page: Path, folder: Path) -> Image.Image:
    """Open the page, say what the first scans show, take the picture."""
    truth = samples_truth(page.parent)
    with browser(folder / shot.name, dark=shot.dark) as driver:
        size(driver, shot.width, shot.height, scale=shot.scale, phone=shot.phone)
        driver.get(page.as_uri())
        for _ in range(shot.labelled):
            label = truth[driver.find_element("id", "loupe-path").text]
            driver.switch_to.active_element.send_keys("x" if label == NONE_LABEL else label)
            wait_for_next_group(driver)
        return Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, default=SAMPLES.parent / "docs")
    target = parser.parse_args().o
    if reason := why_no_browser():
        sys.exit(f"no picture: {reason}")
    with tempfile.TemporaryDirectory() as name:
        page = make_page(Path(name))
        for shot in SHOTS:
            picture = take(shot, page, Path(name))
            picture.quantize(COLORS).save(target / shot.name, optimize=True)


if __name__ == "__main__":
    main()

"""Make the README's pictures: `python -m benchmarks.review_pictures [-o FOLDER]`.

They are the sample scans with their labels, and the review page as a browser shows it.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from digitsort import Outcome, Status, classify_folder
from digitsort.labels.labels_csv import NONE_LABEL
from tests.readme import samples_truth
from tests.review.browser import browser, size, wait_for_next_group, why_no_browser

SAMPLES = Path(__file__).parent.parent / "sample_images"
TILE_PX, LABEL_PX, COLUMNS = 84, 22, 11

SHEET_COLORS = 128
COLORS = {Status.OK: "#1a7f37", Status.UNCERTAIN: "#b35900", Status.REJECTED: "#82071e"}


def draw_sheet(outcomes: list[Outcome]) -> Image.Image:
    """Draw each picture above its label, or above the reason why it was rejected."""
    rows = -(-len(outcomes) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE_PX, rows * (TILE_PX + LABEL_PX)), "#eef0f3")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, outcome in enumerate(outcomes):
        left, top = number % COLUMNS * TILE_PX, number // COLUMNS * (TILE_PX + LABEL_PX)
        picture = _picture(outcome.path)
        place = (left + (TILE_PX - picture.width) // 2, top + (TILE_PX - picture.height) // 2)
        sheet.paste(picture, place)
        middle = (left + TILE_PX / 2, top + TILE_PX + LABEL_PX / 2 - 2)
        draw.text(middle, _words(outcome), fill=COLORS[outcome.status], font=font, anchor="mm")
    return sheet


def _picture(path: str) -> Image.Image:
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I"):  # 16 bits
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    clear = image.convert("RGBA")
    on_white = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    return ImageOps.contain(on_white, (TILE_PX - 8, TILE_PX - 8))


def _words(outcome: Outcome) -> str:
    if outcome.status is Status.OK:
        return outcome.label
    return f"{outcome.label}?" if outcome.status is Status.UNCERTAIN else outcome.reason


PAGE_COLORS = 96
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
    sheet = draw_sheet(list(classify_folder(SAMPLES)))
    sheet.quantize(SHEET_COLORS).save(target / "samples.png", optimize=True)
    if reason := why_no_browser():
        sys.exit(f"no picture of the page: {reason}")
    with tempfile.TemporaryDirectory() as name:
        page = make_page(Path(name))
        for shot in SHOTS:
            picture = take(shot, page, Path(name))
            picture.quantize(PAGE_COLORS).save(target / shot.name, optimize=True)


if __name__ == "__main__":
    main()

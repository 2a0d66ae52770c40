"""Draw the sample scans with their labels: `python -m benchmarks.samples_sheet`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from digitsort import Outcome, Status, classify_folder

HERE = Path(__file__).parent.parent
TILE_PX, LABEL_PX, COLUMNS = 84, 22, 11

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


def main() -> None:
    """Classify the samples and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, default=HERE / "docs" / "samples.png")
    outcomes = list(classify_folder(HERE / "sample_images"))
    draw_sheet(outcomes).quantize(128).save(parser.parse_args().o, optimize=True)


if __name__ == "__main__":
    main()

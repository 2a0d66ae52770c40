"""Draw contact sheets of pictures that were misread or rejected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.verdicts import Judged, best_guess
from digitsort.recognition.canvas import Gray
from digitsort.recognition.vectorize import vectorize

AT_MOST = 60
"""Pictures on a sheet."""

COLUMNS, SIDE_PX, NORMAL_PX, NOTE_PX, GAP_PX = 8, 112, 64, 40, 6
BACKGROUND = 190
"""Gray of the sheet, so that the edges of white and of black pictures can be seen."""


def write_contact_sheet(
    judged: Sequence[Judged], file: Path, wanted: str = "failed", at_most: int = AT_MOST
) -> int:
    """Write one sheet of what failed; return how many pictures failed in all.

    Parameters
    ----------
    judged : sequence of Judged
    file : Path
        A PNG file; its folder is made. No file is written where nothing failed.
    wanted : {"failed", "accepted"}
        "failed": wrong labels and rejected pictures. "accepted": status ok, where there is no digit.
    at_most : int
        Of more, accepted ones are taken first, then others evenly.
    """
    failed = [one for one in judged if (one.is_accepted if wanted == "accepted" else not one.is_right)]
    if failed:
        file.parent.mkdir(parents=True, exist_ok=True)
        draw_contact_sheet(_chosen(failed, at_most)).save(file)
    return len(failed)


def draw_contact_sheet(judged: Sequence[Judged]) -> Image.Image:
    """Draw each picture as given, beside it what the model sees, below it the verdict."""
    width, height = SIDE_PX + NORMAL_PX + 3 * GAP_PX, SIDE_PX + NOTE_PX + GAP_PX
    columns = min(COLUMNS, max(len(judged), 1))
    sheet = Image.new("L", (columns * width, -(-len(judged) // columns) * height), BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    normals = vectorize([one.gray for one in judged]).normal
    for number, (one, normal) in enumerate(zip(judged, normals, strict=True)):
        left, top = number % columns * width + GAP_PX, number // columns * height + GAP_PX
        sheet.paste(_fitted(one.gray), (left, top))
        seen = Image.fromarray(255 - normal).resize((NORMAL_PX, NORMAL_PX), Image.Resampling.NEAREST)
        sheet.paste(seen, (left + SIDE_PX + GAP_PX, top))
        pen.multiline_text((left, top + SIDE_PX), note(one), fill=0, font=font, spacing=1)
    return sheet


def note(one: Judged) -> str:
    """Write the truth, the guess, confidence, familiarity, status and reason on three lines."""
    verdict = one.verdict
    chances = verdict.probabilities
    confidence = verdict.confidence if verdict.confidence is not None else max(chances, default=0.0)
    guess = verdict.label or f"({best_guess(verdict)})"
    return (
        f"{one.truth or 'none'} > {guess}  {verdict.status.value}\n"
        f"conf {confidence:.2f}  fam {verdict.familiarity:.2f}\n{verdict.reason}"
    )


def _chosen(failed: Sequence[Judged], at_most: int) -> list[Judged]:
    """Take the accepted first, then evenly from the others; sort them by truth and label."""
    accepted = [one for one in failed if one.is_accepted][:at_most]
    others = [one for one in failed if not one.is_accepted]
    room = min(at_most - len(accepted), len(others))
    picked = [others[i] for i in np.linspace(0, len(others) - 1, room).astype(int)] if room else []
    return sorted(accepted + picked, key=lambda one: (one.truth, one.verdict.label))


def _fitted(gray: Gray) -> Image.Image:
    """Resize a picture so that its longer side fills its place; tiny ones show their pixels."""
    values = np.asarray(gray)
    if values.dtype != np.uint8:
        span = {"u": 65535, "b": 1}.get(values.dtype.kind, 1)
        values = np.rint(values.astype(np.float64) * (255 / span)).astype(np.uint8)
    image = Image.fromarray(values)
    scale = SIDE_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 2 else Image.Resampling.BICUBIC)

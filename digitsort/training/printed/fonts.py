"""Render digits from the font files in a folder, or from Pillow's own font if no folder is named."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from digitsort.errors import TrainingDataError
from digitsort.files.names import printable
from digitsort.files.regular import read_regular

Ink = npt.NDArray[np.uint8]
Rng = np.random.Generator
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FONTS_VARIABLE = "DIGITSORT_FONTS"
"""Environment variable that names the folder of fonts."""

DIGITS = "0123456789"
NO_DIGITS = ("Weather", "Biolinum_K", "Sketch")
"""Parts of the names of fonts to skip, because their digits are drawings, keys or hollow."""

HEIGHT_PX = 110

MOST_BYTES = 2**26
"""Of a font file; those with all Chinese characters have 2**25."""

LEAST_INK = 0.02
"""Smallest share of the sheet that a digit covers; a font without digits draws less, or boxes."""


@dataclass(frozen=True, slots=True)
class Face:
    """Font that has digits, with the family that it belongs to."""

    font: Font
    family: str


def find_faces(folder: Path | None = None) -> list[Face]:
    """Open the fonts in a folder and its subfolders, sorted by name; each subfolder is a family.

    Parameters
    ----------
    folder : Path, optional
        Default: the folder that DIGITSORT_FONTS names; if it is unset, only Pillow's own font is used.

    Raises
    ------
    TrainingDataError
        If the folder has no font with ten different digits.
    """
    named = os.environ.get(FONTS_VARIABLE)
    if folder is None and not named:
        return [Face(ImageFont.load_default(HEIGHT_PX), "Pillow")]
    root = Path(named or "") if folder is None else folder
    paths = sorted(path for path in root.rglob("*") if _is_wanted(path))
    faces = [face for path in _without_copies(paths) if (face := _open(path))]
    if not faces:
        raise TrainingDataError(
            f"{printable(str(root))} has no fonts with ten different digits. Name a folder of .ttf or "
            f".otf files with {FONTS_VARIABLE}, or unset it."
        )
    return faces


def _is_wanted(path: Path) -> bool:
    return path.suffix.lower() in (".ttf", ".otf") and not any(part in path.name for part in NO_DIGITS)


def _without_copies(paths: Sequence[Path]) -> list[Path]:
    """Return the paths without repeated file names: packages repeat fonts in several folders."""
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(path.name, path)
    return list(first.values())


def _open(path: Path) -> Face | None:
    """Open a font; return None if it is damaged or lacks ten different digits."""
    try:
        data = io.BytesIO(read_regular(str(path), MOST_BYTES))  # a pipe would never end
        font = ImageFont.truetype(data, HEIGHT_PX, layout_engine=ImageFont.Layout.BASIC)
        drawn = [_drawn(digit, font) for digit in DIGITS]
    except OSError:
        return None
    different = len({ink.tobytes() for ink in drawn}) == len(DIGITS)
    visible = all((ink > 127).mean() >= LEAST_INK / 2 for ink in drawn)
    return Face(font, path.parent.name) if different and visible else None


def _drawn(text: str, font: Font) -> Ink:
    sheet = Image.new("L", (2 * HEIGHT_PX, 2 * HEIGHT_PX))
    ImageDraw.Draw(sheet).text((HEIGHT_PX // 2, HEIGHT_PX // 4), text, fill=255, font=font)
    return np.asarray(sheet)


def name_of_faces(faces: Sequence[Face]) -> str:
    """Return the number of fonts, with a digest of the digits that they draw."""
    digest = hashlib.sha256()
    for face in faces:
        digest.update(face.family.encode() + b"\0" + _drawn(DIGITS[:5], face.font).tobytes())
    number = "1 font" if len(faces) == 1 else f"{len(faces)} fonts"
    return f"{number}, {digest.hexdigest()[:12]}"


def draw_font(label: str, faces: Sequence[Face], rng: Rng) -> Ink:
    """Render a digit in a random font family, at random bold, slanted, narrow or cut like a stencil."""
    families = sorted({face.family for face in faces})
    family = families[rng.integers(len(families))]
    members = [face for face in faces if face.family == family]
    ink = Image.fromarray(_drawn(label, members[rng.integers(len(members))].font))
    if rng.random() < 0.25:
        ink = ink.filter(ImageFilter.MaxFilter(2 * int(rng.integers(1, 4)) + 1))
    if rng.random() < 0.3:
        ink = _sheared(ink, float(rng.uniform(-0.1, 0.3)))
    if rng.random() < 0.3:
        ink = ink.resize((max(40, round(ink.width * rng.uniform(0.6, 1.2))), ink.height))
    if rng.random() < 0.08:
        ink = _stencilled(ink, rng)
    return np.asarray(ink)


def _sheared(ink: Image.Image, slant: float) -> Image.Image:
    matrix = (1, slant, -slant * ink.height / 2, 0, 1, 0)
    return ink.transform(ink.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _stencilled(ink: Image.Image, rng: Rng) -> Image.Image:
    """Cut a narrow vertical gap through the middle of the digit, like the bridge of a stencil."""
    left, top, right, bottom = ink.getbbox() or (0, 0, *ink.size)
    width = max(2, round(0.06 * (bottom - top)))
    x = round((left + right) / 2 + rng.normal(0, 0.04) * (right - left))
    cut = ink.copy()
    cut.paste(0, (x - width // 2, top, x + width // 2 + 1, bottom))
    return cut

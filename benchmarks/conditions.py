"""Render what people's pictures have beside, around, over and under a digit.

Each function takes a page and a generator, and returns the picture that is cut out of it, gray 0-1.
What varies within a condition is drawn for each picture.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from benchmarks.page import (
    Box,
    Floats,
    Page,
    Points,
    Rng,
    cut,
    draw_segment,
    draw_stroke,
    draw_text,
    grain,
    text_width,
    to_bytes,
    with_margins,
)
from benchmarks.verdicts import DIGITS
from digitsort.images.gray import to_gray
from digitsort.recognition.canvas import Gray

Flags = npt.NDArray[np.bool_]
Render = Callable[[Page, Rng], Floats]


@dataclass(frozen=True, slots=True)
class Condition:
    """A way that pictures look.

    Attributes
    ----------
    name : str
    render : callable
        Page and generator to a picture, gray 0-1.
    digits : str
        Those that it is rendered with.
    is_digit : bool
        Whether the picture still shows the digit; if not, it should be rejected.
    """

    name: str
    render: Render
    digits: str = "".join(DIGITS)
    is_digit: bool = True


def bare(page: Page, rng: Rng) -> Floats:
    """Cut out the digit with a margin."""
    return cut(page.gray, with_margins(page, rng))


# Cells, frames and rings


def cell_at_edge(sides: int, *, touching: bool) -> Render:
    """Cut along the printed lines of a cell, so that they lie at the edges of the picture."""

    def render(page: Page, rng: Rng) -> Floats:
        gray = page.gray
        present = np.ones(4, bool)
        present[rng.permutation(4)[sides:]] = False
        gaps = _gaps(page, rng, present, touching=touching)
        width = float(rng.uniform(0.018, 0.05)) * page.size
        inner = page.box.grown(*gaps)
        _draw_frame(gray, inner, width, _print_level(page, rng), present, beyond=page.size)
        seen = np.where(present, rng.uniform(0.35, 1.0, 4) * width, 0.0)
        return cut(gray, inner.grown(*seen.tolist()))

    return render


def box_in_picture(*, touching: bool) -> Render:
    """Draw a box around the digit that lies wholly in the picture."""

    def render(page: Page, rng: Rng) -> Floats:
        gray = page.gray
        present = np.ones(4, bool)
        inner = page.box.grown(*_gaps(page, rng, present, touching=touching))
        width = float(rng.uniform(0.018, 0.06)) * page.size
        _draw_frame(gray, inner, width, _print_level(page, rng), present, beyond=0)
        outer = inner.grown(*[width] * 4)
        return cut(gray, with_margins(page, rng, outer, (0.06, 0.3)))

    return render


def circled(*, touching: bool) -> Render:
    """Draw a circle around the digit by hand: uneven, its ends crossing or apart."""

    def render(page: Page, rng: Rng) -> Floats:
        gray = page.gray
        x, y = page.box.centre
        round_px = 0.5 * page.size * float(rng.uniform(0.9, 1.1))
        radii = np.maximum([page.box.width / 2, page.box.height / 2], round_px * 0.75) * np.sqrt(2)
        reach = _reach(page, radii)
        width = page.pen * float(rng.uniform(0.5, 1.0))
        if touching:
            radii = radii * (reach * float(rng.uniform(0.94, 1.0)))
        else:
            radii = radii * max(1.0, reach) * float(rng.uniform(1.06, 1.25)) + page.pen / 2 + width
        ring = _ring(radii, rng, wobble=0.01 if touching else 0.025) + np.array([x, y])
        draw_stroke(gray, ring, width, page.ink)
        around = Box(*ring.min(axis=0).tolist(), *ring.max(axis=0).tolist())
        return cut(gray, with_margins(page, rng, around, (0.06, 0.3)))

    return render


def comb(page: Page, rng: Rng) -> Floats:
    """Print a comb: a line below the digit, and teeth of half its height between it and others."""
    gray, size, box = page.gray, page.size, page.box
    level, width = _print_level(page, rng), float(rng.uniform(0.018, 0.04)) * page.size
    left, right = box.left - rng.uniform(0.08, 0.3) * size, box.right + rng.uniform(0.08, 0.3) * size
    line = box.bottom + float(rng.uniform(0.03, 0.15)) * size
    top = line - float(rng.uniform(0.25, 0.5)) * size
    for tooth in (-1, 0, 1, 2):
        x = left + tooth * (right - left)
        draw_segment(gray, (x, top), (x, line), width, level)
    draw_segment(gray, (0, line), (gray.shape[1], line), width, level)
    beyond = rng.uniform(0.06, 0.6, 2) * size
    above, below = rng.uniform(0.06, 0.25, 2) * size
    return cut(gray, Box(left - beyond[0], box.top - above, right + beyond[1], line + below))


def in_parentheses(page: Page, rng: Rng) -> Floats:
    """Write parentheses around the digit."""
    gray, box = page.gray, page.box
    width = page.pen * float(rng.uniform(0.5, 1.0))
    half = box.height / 2 * float(rng.uniform(1.05, 1.35))
    depth = float(rng.uniform(0.12, 0.25)) * page.size
    turn = np.linspace(-np.pi / 2, np.pi / 2, 24)
    around = box
    for side, edge in ((-1, box.left), (1, box.right)):
        gap = float(rng.uniform(0.1, 0.28)) * page.size + depth
        x = edge + side * (gap - depth * (1 - np.cos(turn)))
        points = np.stack([x, box.centre[1] + half * np.sin(turn)], axis=-1)
        draw_stroke(gray, points, width, page.ink)
        around = around.joined(Box(*points.min(axis=0).tolist(), *points.max(axis=0).tolist()))
    return cut(gray, with_margins(page, rng, around, (0.08, 0.3)))


# Lines and text beside the digit


def underlined(times: int) -> Render:
    """Draw one or two lines below the digit by hand."""

    def render(page: Page, rng: Rng) -> Floats:
        gray, box = page.gray, page.box
        y = box.bottom + page.pen * 0.8 + float(rng.uniform(0.03, 0.15)) * page.size
        around = box
        for _ in range(times):
            ends = rng.uniform(-0.05, 0.35, 2) * page.size
            tilt = float(rng.normal(0, 0.02)) * page.size
            start, end = (box.left - ends[0], y - tilt), (box.right + ends[1], y + tilt)
            width = page.pen * float(rng.uniform(0.5, 1.0))
            draw_segment(gray, start, end, width, page.ink)
            around = around.joined(Box(start[0], y - abs(tilt), end[0], y + abs(tilt)))
            y += page.pen + float(rng.uniform(0.06, 0.14)) * page.size
        return cut(gray, with_margins(page, rng, around, (0.08, 0.3)))

    return render


def underlined_without_a_gap(page: Page, rng: Rng) -> Floats:
    """Draw a line by hand that runs through the digit's lowest pixels or touches them."""
    gray, box = page.gray, page.box
    y = box.bottom + float(rng.uniform(-0.5, 0.5)) * page.pen
    ends = rng.uniform(-0.05, 0.35, 2) * page.size
    tilt = float(rng.normal(0, 0.02)) * page.size
    start, end = (box.left - ends[0], y - tilt), (box.right + ends[1], y + tilt)
    draw_segment(gray, start, end, page.pen * float(rng.uniform(0.5, 1.0)), page.ink)
    around = box.joined(Box(start[0], y - abs(tilt), end[0], y + abs(tilt)))
    return cut(gray, with_margins(page, rng, around, (0.08, 0.3)))


def text_beside(text: str, *, before: bool = False) -> Render:
    """Print a unit or the like beside the digit, 60 % as high, on its base line."""

    def render(page: Page, rng: Rng) -> Floats:
        gray, box = page.gray, page.box
        height = 0.6 * box.height
        gap = float(rng.uniform(0.12, 0.3)) * page.size
        left = box.left - gap - text_width(text, height) if before else box.right + gap
        bottom = box.bottom + float(rng.normal(0, 0.02)) * page.size
        written = draw_text(gray, text, (left, bottom), height, _print_level(page, rng), rng)
        return cut(gray, with_margins(page, rng, box.joined(written), (0.08, 0.3)))

    return render


def date(*, above: bool) -> Render:
    """Print a small date above the digit or beside it."""

    def render(page: Page, rng: Rng) -> Floats:
        gray, box, size = page.gray, page.box, page.size
        day, month, year = (int(rng.integers(1, n)) for n in (29, 13, 30))
        text = (f"{day}.{month}.{year:02}", f"{month}/{day}", f"{day}.{month}.")[int(rng.integers(3))]
        height, gap = (float(share) * size for share in rng.uniform((0.2, 0.08), (0.36, 0.25)))
        if above:
            place = box.left + float(rng.uniform(-0.3, 0.3)) * size, box.top - gap
        else:
            lowest = box.bottom if rng.random() < 0.5 else box.top + height
            place = box.right + gap, lowest
        written = draw_text(gray, text, place, height, _print_level(page, rng), rng)
        return cut(gray, with_margins(page, rng, box.joined(written), (0.06, 0.25)))

    return render


def full_stop(page: Page, rng: Rng) -> Floats:
    """Write a full stop after the digit."""
    gray, box = page.gray, page.box
    x = box.right + page.pen + float(rng.uniform(0.02, 0.15)) * page.size
    y = box.bottom - page.pen / 2
    draw_segment(gray, (x, y), (x + 0.5, y), page.pen * float(rng.uniform(0.9, 1.5)), page.ink)
    return cut(gray, with_margins(page, rng, box.joined(Box(x, y, x + page.pen, y)), (0.1, 0.35)))


def comma(page: Page, rng: Rng) -> Floats:
    """Write a comma after the digit."""
    gray, box = page.gray, page.box
    x = box.right + page.pen + float(rng.uniform(0.02, 0.15)) * page.size
    y = box.bottom - page.pen / 2
    drop, back = (float(share) * page.size for share in rng.uniform((0.1, 0.03), (0.2, 0.1)))
    points = np.array([(x, y), (x, y + drop * 0.4), (x - back, y + drop)])
    draw_stroke(gray, points, page.pen * float(rng.uniform(0.7, 1.1)), page.ink)
    around = box.joined(Box(x - back, y, x + page.pen, y + drop + page.pen / 2))
    return cut(gray, with_margins(page, rng, around, (0.08, 0.3)))


def struck_through(page: Page, rng: Rng) -> Floats:
    """Strike the digit through once."""
    gray, box = page.gray, page.box
    x, y = box.centre
    y += float(rng.normal(0, 0.06)) * box.height
    rise = float(rng.uniform(-0.1, 0.35)) * page.size
    reach = max(box.width / 2, 0.25 * page.size) + float(rng.uniform(0.05, 0.25)) * page.size
    width = page.pen * float(rng.uniform(0.5, 0.9))
    draw_segment(gray, (x - reach, y + rise / 2), (x + reach, y - rise / 2), width, page.ink)
    return cut(gray, with_margins(page, rng, box.joined(Box(x - reach, y, x + reach, y)), (0.1, 0.3)))


# Paper


def printed_lines(*, squared: bool) -> Render:
    """Print the lines of ruled or of squared paper below the digit."""

    def render(page: Page, rng: Rng) -> Floats:
        gray = page.gray
        spacing = max(8, round(float(rng.uniform(0.25, 0.8)) * page.size))
        width = max(1, round(page.size / 60))
        level = page.paper - float(rng.uniform(0.12, 0.45)) * (page.paper - page.ink)
        for axis in (0, 1) if squared else (0,):
            place = (np.arange(gray.shape[axis]) + int(rng.integers(spacing))) % spacing < width
            lines = gray[place] if axis == 0 else gray[:, place]
            gray[place if axis == 0 else (slice(None), place)] = np.minimum(lines, level)
        return cut(gray, with_margins(page, rng, share=(0.15, 0.6)))

    return render


def bleed_through(page: Page, rng: Rng) -> Floats:
    """Let the digit on the back shine through: mirrored, blurred, at 45 % of its darkness."""
    gray = page.gray
    mirrored = Image.fromarray(np.rint(page.behind[:, ::-1] * 255).astype(np.uint8))
    pad = 8
    sheet = Image.new("L", (mirrored.width + 2 * pad, mirrored.height + 2 * pad))
    sheet.paste(mirrored, (pad, pad))
    back = np.asarray(sheet.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.7, 2)))), np.float32)
    x, y = (centre + float(rng.uniform(-0.3, 0.3)) * page.size for centre in page.box.centre)
    top, left = round(y - back.shape[0] / 2), round(x - back.shape[1] / 2)
    region = gray[top : top + back.shape[0], left : left + back.shape[1]]
    shade = region - np.float32(0.45 * (page.paper - page.ink) / 255) * back
    lowest = np.minimum(region, page.ink)
    gray[top : top + back.shape[0], left : left + back.shape[1]] = np.maximum(shade, lowest)
    return cut(gray, with_margins(page, rng))


def dark_table(page: Page, rng: Rng) -> Floats:
    """Write with pencil, and show the dark table beyond one to three sides of the paper."""
    pale = page.paper - (page.paper - page.gray) * np.float32(rng.uniform(0.4, 0.7))
    edge = page.box.grown(*(rng.uniform(0.15, 0.45, 4) * page.size).tolist())
    table = float(rng.uniform(0.08, 0.3))
    seen = np.zeros(4)
    sides = rng.permutation(4)[: int(rng.integers(1, 4))]
    seen[sides] = rng.uniform(0.06, 0.35, len(sides)) * page.size
    outer = edge.grown(*seen.tolist())
    # Edges that are not seen lie far beyond the picture.
    edge = edge.grown(*np.where(seen > 0, 0.0, 1e6).tolist())
    y, x = (np.arange(n, dtype=np.float32) for n in pale.shape)
    lean = rng.normal(0, 0.02, 4)
    cx, cy = page.box.centre
    across, down = (x - cx)[None, :], (y - cy)[:, None]
    inside = np.minimum.reduce(
        np.broadcast_arrays(
            *(  # how far inside each edge of the paper, in pixels
                x[None, :] - edge.left + lean[0] * down,
                y[:, None] - edge.top + lean[1] * across,
                edge.right - x[None, :] + lean[2] * down,
                edge.bottom - y[:, None] + lean[3] * across,
            )
        )
    )
    paper = np.clip(inside + 0.5, 0, 1)
    wood = table + grain(pale.shape, 0.02, rng)
    return cut((pale * paper + wood * (1 - paper)).astype(np.float32), outer)


def on_big_sheet(page: Page, rng: Rng) -> Floats:
    """Write the digit 20 to 40 px high somewhere on a sheet that is 8 to 14 times as high."""
    size = float(rng.uniform(20, 40))
    small = _resized(cut(page.gray, page.box.grown(*[0.1 * page.size] * 4)), size / page.size)
    side = round(size * float(rng.uniform(8, 14)))
    sheet = page.paper + grain((side, round(side * float(rng.uniform(0.7, 1.4)))), 1.5 / 255, rng)
    top = int(rng.integers(sheet.shape[0] - small.shape[0]))
    left = int(rng.integers(sheet.shape[1] - small.shape[1]))
    sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
    return sheet


# Light and camera


def hard_shadow(darker: float) -> Render:
    """Throw a shadow with a hard edge across the digit."""

    def render(page: Page, rng: Rng) -> Floats:
        picture = bare(page, rng)
        height, width = picture.shape
        angle = float(rng.uniform(0, 2 * np.pi))
        y, x = np.indices(picture.shape, np.float32)
        off = float(rng.uniform(-0.25, 0.25)) * page.size
        along = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle) - off
        shade = np.clip(along / float(rng.uniform(1, 4)) + 0.5, 0, 1)
        return np.asarray(picture * (1 - darker * shade), np.float32)

    return render


def glare(page: Page, rng: Rng) -> Floats:
    """Let a lamp shine on a third of the digit's height, on a photo that is darker elsewhere."""
    picture = bare(page, rng) * np.float32(rng.uniform(0.65, 0.8))
    height, width = picture.shape
    y, x = np.indices(picture.shape, np.float32)
    cx = width / 2 + float(rng.uniform(-0.2, 0.2)) * page.size
    cy = height / 2 + float(rng.uniform(-0.3, 0.3)) * page.size
    angle = float(rng.uniform(-0.5, 0.5))
    across, down = x - cx, y - cy
    u = (across * np.cos(angle) + down * np.sin(angle)) / (page.size * float(rng.uniform(0.25, 0.6)))
    v = (down * np.cos(angle) - across * np.sin(angle)) / (page.size / 6)
    spot = np.clip(1.5 * np.exp(-(u**2 + v**2) * 0.7), 0, 1)
    return np.asarray(np.clip(picture + float(rng.uniform(0.45, 0.7)) * spot, 0, 1), np.float32)


def blurred(page: Page, rng: Rng) -> Floats:
    """Blur by a tenth of the digit's height."""
    picture = cut(page.gray, with_margins(page, rng, share=(0.2, 0.4)))
    return _blur(picture, 0.1 * page.size)


def webcam(page: Page, rng: Rng) -> Floats:
    """Photograph the digit 14 px high, with a contrast of 38 levels, and noise."""
    small = _resized(bare(page, rng), 14 / page.size)
    level = float(rng.uniform(0.5, 0.75))
    pale = level - page.amount(small) * np.float32(38 / 255)
    return np.asarray(pale + rng.normal(0, rng.uniform(3, 6) / 255, pale.shape), np.float32)


def jpeg(page: Page, rng: Rng) -> Floats:
    """Save as JPEG of quality 5."""
    file = io.BytesIO()
    Image.fromarray(to_bytes(bare(page, rng))).save(file, "JPEG", quality=5)
    return _from_bytes(np.asarray(Image.open(file)))


# The picture itself


def hollow(page: Page, rng: Rng) -> Floats:
    """Outline the strokes instead of filling them."""
    picture = bare(page, rng)
    image = Image.fromarray(np.rint(page.amount(picture) * 255).astype(np.uint8))
    wide = image.filter(ImageFilter.MaxFilter(2 * round(page.size * 0.015) + 1))
    line = page.size * float(rng.uniform(0.022, 0.035))
    soft = np.asarray(wide.filter(ImageFilter.GaussianBlur(line)), np.float32) / 255
    amount = np.clip(2.2 - np.abs(soft - 0.5) * 7, 0, 1)
    return np.asarray(page.paper - amount * (page.paper - page.ink), np.float32)


def cut_off(*, all_sides: bool) -> Render:
    """Cut off a tenth of the digit on one side or on all."""

    def render(page: Page, rng: Rng) -> Floats:
        lost = -0.1 * np.array([page.box.width, page.box.height] * 2)
        margins = rng.uniform(0.12, 0.4, 4) * page.size
        hit = np.full(4, all_sides)
        hit[rng.integers(4)] = True
        return cut(page.gray, page.box.grown(*np.where(hit, lost, margins).tolist()))

    return render


def tight(page: Page, rng: Rng) -> Floats:
    """Cut to the box of the ink."""
    del rng
    return cut(page.gray, page.box)


def transparent(page: Page, rng: Rng) -> Floats:
    """Write white ink with soft gray edges on transparency, as the program's reader composites it."""
    picture = _resized(bare(page, rng), float(rng.uniform(0.25, 1.0)))
    amount = np.rint(page.amount(picture) * 255).astype(np.uint8)
    alpha = np.where(amount > 24, 255, 0).astype(np.uint8)
    bands = [Image.fromarray(band) for band in (amount, amount, amount, alpha)]
    return _from_bytes(to_gray(Image.merge("RGBA", bands), orientation=1))


def tilted(page: Page, rng: Rng) -> Floats:
    """Turn by 15 degrees to either side."""
    return _turned(page, rng, 15.0 if rng.random() < 0.5 else -15.0)


def inverse(page: Page, rng: Rng) -> Floats:
    """Write light on dark."""
    return 1 - bare(page, rng)


def turned_90(page: Page, rng: Rng) -> Floats:
    """Turn by a quarter to either side."""
    return np.rot90(bare(page, rng), 1 if rng.random() < 0.5 else 3)


def turned_180(page: Page, rng: Rng) -> Floats:
    """Turn upside down."""
    return np.rot90(bare(page, rng), 2)


TURN_90 = "23456789"
"""Digits that are none when turned by 90°; a 0 stays one, a 1 becomes a dash."""

TURN_180 = "347"
"""Digits that are none upside down; 0, 1, 6, 8 and 9 are digits still, 2 and 5 look like themselves."""

CONDITIONS = (
    Condition("bare", bare),
    Condition("three sides of a cell at the edge, apart", cell_at_edge(3, touching=False)),
    Condition("three sides of a cell at the edge, touching", cell_at_edge(3, touching=True)),
    Condition("four sides of a cell at the edge, apart", cell_at_edge(4, touching=False)),
    Condition("four sides of a cell at the edge, touching", cell_at_edge(4, touching=True)),
    Condition("box, apart", box_in_picture(touching=False)),
    Condition("box, touching", box_in_picture(touching=True)),
    Condition("circle, apart", circled(touching=False)),
    Condition("circle, touching", circled(touching=True)),
    Condition("comb", comb),
    Condition("underlined", underlined(1)),
    Condition("underlined twice", underlined(2)),
    Condition("underline, touching", underlined_without_a_gap),
    Condition("kg beside it", text_beside("kg")),
    Condition("% beside it", text_beside("%")),
    Condition("a) beside it", text_beside("a)", before=True)),
    Condition("x beside it", text_beside("x")),
    Condition("date above", date(above=True)),
    Condition("date beside", date(above=False)),
    Condition("in parentheses", in_parentheses),
    Condition("full stop", full_stop),
    Condition("comma", comma),
    Condition("hard shadow, -50 %", hard_shadow(0.5)),
    Condition("hard shadow, -70 %", hard_shadow(0.7)),
    Condition("bleed-through, 45 %", bleed_through),
    Condition("blur of a tenth", blurred),
    Condition("glare over a third", glare),
    Condition("struck through", struck_through),
    Condition("hollow strokes", hollow),
    Condition("a tenth cut off one side", cut_off(all_sides=False)),
    Condition("a tenth cut off all sides", cut_off(all_sides=True)),
    Condition("tight crop", tight),
    Condition("dark table, pencil", dark_table),
    Condition("webcam", webcam),
    Condition("white on transparency", transparent),
    Condition("small on a big sheet", on_big_sheet),
    Condition("JPEG 5", jpeg),
    Condition("ruled paper", printed_lines(squared=False)),
    Condition("squared paper", printed_lines(squared=True)),
    Condition("tilted by 15°", tilted),
    Condition("inverse", inverse),
    Condition("turned by 90°, 2-9", turned_90, TURN_90, is_digit=False),
    Condition("turned by 180°, 3 4 7", turned_180, TURN_180, is_digit=False),
    Condition("turned by 180°, 2 5", turned_180, "25", is_digit=False),
)


def _from_bytes(pixels: Gray) -> Floats:
    return np.asarray(pixels, np.float32) / np.float32(255)


def _print_level(page: Page, rng: Rng) -> float:
    """Draw the gray of printed lines and text: as dark as the ink, or down to 60 % of its darkness."""
    return page.ink + float(rng.uniform(0, 0.4)) * (page.paper - page.ink)


def _gaps(page: Page, rng: Rng, present: Flags, *, touching: bool) -> list[float]:
    """Draw how far each side of a cell lies from the ink; where it touches, inside the last stroke."""
    gaps = rng.uniform(0.07, 0.3, 4) * page.size
    if rng.random() < 0.3:
        gaps[[0, 2]] += float(rng.uniform(0.2, 1.0)) * page.size  # a wide cell
    if touching:
        drawn = rng.permutation(np.flatnonzero(present))[: int(rng.integers(1, 3))]
        gaps[drawn] = -rng.uniform(0.05, 0.5, len(drawn)) * page.pen
    return [min(gap, 1.4 * page.size) for gap in gaps.tolist()]


def _draw_frame(
    gray: Floats, inner: Box, width: float, level: float, present: Flags, beyond: float
) -> None:
    """Draw the sides of a cell outside of `inner`; their ends go so far beyond its corners."""
    left, top, right, bottom = inner.grown(*[width / 2] * 4)
    ends = (
        ((left, top - beyond), (left, bottom + beyond)),
        ((left - beyond, top), (right + beyond, top)),
        ((right, top - beyond), (right, bottom + beyond)),
        ((left - beyond, bottom), (right + beyond, bottom)),
    )
    for (start, end), is_drawn in zip(ends, present, strict=True):
        if is_drawn:
            draw_segment(gray, start, end, width, level)


def _reach(page: Page, radii: Points) -> float:
    """Return by what the radii have to be multiplied for an ellipse that just holds all ink."""
    left, top, right, bottom = (round(edge) for edge in page.box)
    amount = page.amount(page.gray[top:bottom, left:right])
    ys, xs = np.nonzero(amount > 0.5)
    x, y = (xs + 0.5 - (right - left) / 2) / radii[0], (ys + 0.5 - (bottom - top) / 2) / radii[1]
    return float(np.sqrt((x**2 + y**2).max())) if len(xs) else 1.0


def _ring(radii: Points, rng: Rng, wobble: float) -> Points:
    """Draw a closed curve as a hand does, about the origin, (n, 2)."""
    start, over = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(-0.1, 0.5))
    t = np.linspace(0, 2 * np.pi + over, 64)
    uneven = 1 + wobble * np.sin(2 * t + rng.uniform(0, 6)) + wobble * np.sin(3 * t + rng.uniform(0, 6))
    drift = 1 + float(rng.uniform(0, 0.06)) * t / (2 * np.pi)
    return np.stack(
        [np.cos(t + start) * radii[0] * uneven * drift, np.sin(t + start) * radii[1] * uneven * drift],
        axis=-1,
    )


def _turned(page: Page, rng: Rng, degrees: float) -> Floats:
    """Turn the page about the digit's middle and cut out the digit with a margin."""
    part = cut(page.gray, page.box.grown(*[0.8 * page.size] * 4))
    turned = np.asarray(
        Image.fromarray(part).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=page.paper),
        np.float32,
    )
    ys, xs = np.nonzero(page.amount(turned) > 0.5)
    box = Box(float(xs.min()), float(ys.min()), float(xs.max()) + 1, float(ys.max()) + 1)
    return cut(turned, with_margins(page, rng, box))


def _resized(picture: Floats, scale: float) -> Floats:
    """Resize smoothly; a mean over pixels where it shrinks."""
    height, width = picture.shape
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    image = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(image, np.float32), 0, 1)


def _blur(picture: Floats, sigma: float) -> Floats:
    """Blur by a Gaussian; Pillow blurs bytes only, so in 8 bits."""
    image = Image.fromarray(to_bytes(picture)).filter(ImageFilter.GaussianBlur(sigma))
    return _from_bytes(np.asarray(image))

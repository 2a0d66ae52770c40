"""Find the ruling of a page: its tilt, and a mask of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]

LEAST_WORK_PX, MOST_WORK_PX = 1280, 2400
"""Longer side, in pixels, of the image in which lines are found. Smaller pages are enlarged: a line of
one pixel can't be told from its neighbours."""

LEAST_COMB, MOST_COMB = 0.3, 2.5
"""Smallest and largest distance of the teeth of a comb, by their height."""

PAPER_PX = 320
"""Longer side, in pixels, of the image in which the paper's brightness is estimated."""

TILT_PX = 800
"""Longer side, in pixels, of the image in which the tilt is measured. In the full-size image it takes
three times as long, and the angle differs by at most 0.4 degrees."""

MOST_TILT = 20.0
"""Largest tilt, in degrees, that is undone."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page as lines are looked for in it.

    Attributes
    ----------
    flat : ndarray of shape (height, width), uint8
        Brightness relative to the paper, 255 for paper; upright.
    to_page : ndarray of shape (2, 3)
        Affine map from its pixels to those of the page.
    """

    flat: Pixels
    to_page: Matrix


def sheet_of(gray: Pixels) -> Sheet:
    """Return a page at working size, evenly lit, without its tilt.

    Parameters
    ----------
    gray : ndarray of shape (height, width), uint8
    """
    scale = _work_scale(max(gray.shape))
    resized = cv2.resize(
        gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    flat = flattened(np.asarray(resized, np.uint8))
    back = np.array(
        [
            [gray.shape[1] / flat.shape[1], 0, 0],
            [0, gray.shape[0] / flat.shape[0], 0],
        ]
    )
    angle = _tilt(flat)
    if abs(angle) < 0.3:
        return Sheet(flat, back)
    turned, to_flat = _turned(flat, angle)
    return Sheet(turned, back @ np.vstack([to_flat, [0, 0, 1]]))


def _work_scale(side_px: int) -> float:
    if side_px < LEAST_WORK_PX:
        return min(4.0, LEAST_WORK_PX / side_px)
    return min(1.0, MOST_WORK_PX / side_px)


def flattened(gray: Pixels) -> Pixels:
    """Return brightness relative to the paper around, so that shadows vanish; 255 is paper."""
    scale = min(1.0, PAPER_PX / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    size = max(3, round(max(small.shape) * 0.05)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel)
    smooth = cv2.GaussianBlur(closed, (0, 0), size / 4)
    paper = cv2.resize(smooth, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    ratio = cv2.divide(gray, np.maximum(paper, 1), scale=255)
    return np.asarray(ratio, np.uint8)


def ink_of(flat: Pixels, offset: float = 6.0) -> Pixels:
    """Return a mask, 255 where a pixel is darker than its surroundings by `offset` levels."""
    window = max(15, max(flat.shape) // 40) | 1
    mask = cv2.adaptiveThreshold(
        flat, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, offset
    )
    return np.asarray(mask, np.uint8)


def ruling_of(ink: Pixels, length: int) -> Pixels:
    """Return a mask of the straight lines of ink that are at least about `length` pixels long.

    The open side of a comb is closed.
    """
    across, down = lines_in(ink, length)
    ruling = np.asarray(cv2.bitwise_or(across, down), np.uint8)
    for here, there in _open_sides(across, down):
        cv2.line(ruling, here, there, 255, 2)
    return ruling


def lines_in(ink: Pixels, length: int) -> tuple[Pixels, Pixels]:
    """Return masks of the nearly horizontal and of the nearly vertical lines of ink."""
    down = _lines(np.ascontiguousarray(ink.T), length)
    return _lines(ink, length), np.ascontiguousarray(down.T)


Point = tuple[int, int]


def _open_sides(across: Pixels, down: Pixels) -> Iterator[tuple[Point, Point]]:
    """Yield the line between the free ends of each two teeth of a comb."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(down, connectivity=8)
    teeth = [tuple(int(value) for value in row[:4]) for row in stats[1:]]
    teeth = sorted(tooth for tooth in teeth if tooth[3] > 3 * tooth[2])
    for at, (left, top, wide, high) in enumerate(teeth):
        for left2, top2, wide2, high2 in teeth[at + 1 :]:
            apart = left2 - left
            if apart > MOST_COMB * high:
                break
            is_beside = max(abs(top2 - top), abs(high2 - high)) <= max(3, high // 4)
            if not is_beside or apart < LEAST_COMB * high:
                continue
            x, x2 = left + wide // 2, left2 + wide2 // 2
            ends = ((x, top), (x2, top2)), ((x, top + high), (x2, top2 + high2))
            is_ruled = [_is_ruled(across, *end) for end in ends]
            if is_ruled == [False, True]:
                yield ends[0]
            elif is_ruled == [True, False]:
                yield ends[1]
            break


def _is_ruled(across: Pixels, here: Point, there: Point) -> bool:
    """Return whether there is a line from one point to another."""
    count = max(2, there[0] - here[0])
    x = np.linspace(here[0], there[0], count).astype(int)
    y = np.linspace(here[1], there[1], count).astype(int)
    near = [across[np.clip(y + by, 0, len(across) - 1), x] > 0 for by in range(-4, 5)]
    return bool(np.any(near, axis=0).mean() > 0.9)


def _lines(ink: Pixels, length: int) -> Pixels:
    """Return the nearly horizontal lines of a mask."""
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    joined = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((1, max(3, length // 4)), np.uint8))
    opened = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    # Joined across small gaps: a line is not straight in a photo, and its ends were cut off.
    return np.asarray(
        cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((3, max(3, length // 3)), np.uint8)), np.uint8
    )


def _tilt(flat: Pixels) -> float:
    """Return the angle, in degrees, by which most long lines are turned from the axes."""
    scale = min(1.0, TILT_PX / max(flat.shape))
    small = cv2.resize(flat, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    side = max(small.shape)
    ink = ink_of(np.asarray(small, np.uint8))
    found = cv2.HoughLinesP(
        ink, 1, np.pi / 720, threshold=side // 16, minLineLength=side / 14, maxLineGap=side / 250
    )
    if found is None:
        return 0.0
    lines = np.asarray(found, float).reshape(-1, 4)
    dx, dy = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    angles = (np.degrees(np.arctan2(dy, dx)) + 45) % 90 - 45
    lengths = np.hypot(dx, dy)
    near = np.abs(angles) <= MOST_TILT
    if not near.any():
        return 0.0
    return _weighted_median(angles[near], lengths[near])


def _weighted_median(values: Matrix, weights: Matrix) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _turned(flat: Pixels, angle: float) -> tuple[Pixels, Matrix]:
    """Return the image turned upright, and the map from it back to `flat`."""
    height, width = flat.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = int(width * cos + height * sin) + 1, int(width * sin + height * cos) + 1
    turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(flat, turn, size, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
    return np.asarray(turned, np.uint8), np.asarray(cv2.invertAffineTransform(turn))

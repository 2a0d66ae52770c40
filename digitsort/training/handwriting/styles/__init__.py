"""How people write each digit: its styles, as strokes with the ranges in which hands differ."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Style
from digitsort.training.handwriting.styles import (
    eight,
    five,
    four,
    nine,
    one,
    seven,
    six,
    three,
    two,
    zero,
)

STYLES: dict[str, tuple[tuple[Style, float], ...]] = {
    "0": zero.STYLES,
    "1": one.STYLES,
    "2": two.STYLES,
    "3": three.STYLES,
    "4": four.STYLES,
    "5": five.STYLES,
    "6": six.STYLES,
    "7": seven.STYLES,
    "8": eight.STYLES,
    "9": nine.STYLES,
}

"""Check a GIF file before it is decoded, and keep only its first frame.

Pillow reads comments and further frames block by block, and reserves memory for the changes between
frames of an animation.
"""

from __future__ import annotations

from digitsort.images.limits import Encoded, Limits
from digitsort.images.unreadable import BROKEN, UnreadableError

MOST_BLOCKS = 2**20
"""Largest number of blocks: those of 256 MiB, in blocks of 255 bytes as encoders write them."""

_EXTENSION, _PICTURE, _END = b"!", b",", b";"
_CONTROL = 0xF9
_HEAD, _DESCRIPTOR = 13, 10
_TRANSPARENT = 1


def prepare_gif(data: bytes, limits: Limits) -> Encoded:
    """Return the file with only its first frame.

    Raises
    ------
    UnreadableError
        If it has no frame, or its size exceeds a limit.
    """
    walk = _Walk(data, _HEAD + _table_bytes(data[10:11]))
    head = data[: walk.at]
    control = walk.to_picture()
    descriptor = data[walk.at : walk.at + _DESCRIPTOR]
    if len(descriptor) < _DESCRIPTOR:
        raise UnreadableError(BROKEN)
    limits.check_size(*_size(head, descriptor))
    start = walk.at
    walk.at += _DESCRIPTOR + _table_bytes(descriptor[9:10]) + 1  # and the width of a code
    walk.over_blocks()
    picture = data[start : walk.at]
    several = walk.at < len(data) and walk.to_picture(optional=True) is not None
    return Encoded(head + _transparency(control) + picture + _END, several=several)


class _Walk:
    """Position in the file, with a limited number of steps."""

    def __init__(self, data: bytes, at: int) -> None:
        self.at = at
        self._data = data
        self._steps = 0

    def to_picture(self, *, optional: bool = False) -> bytes | None:
        """Go to the next frame; return the control block before it, or None if there is none."""
        control = b""
        while (kind := self._data[self.at : self.at + 1]) not in (_PICTURE, _END, b""):
            self._step()
            if kind != _EXTENSION:  # filled up with zeros, mostly
                self.at += 1
                continue
            if self._data[self.at + 1 : self.at + 3] == bytes([_CONTROL, 4]):
                control = self._data[self.at + 3 : self.at + 7]
            self.at += 2
            self.over_blocks()
        if kind == _PICTURE:
            return control
        if optional:
            return None
        raise UnreadableError(BROKEN)

    def over_blocks(self) -> None:
        """Skip blocks up to and including the empty block that ends them."""
        data, end = self._data, len(self._data)
        while self.at < end and (length := data[self.at]):
            self.at += 1 + length
            self._step()
        self.at = min(self.at + 1, end)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_BLOCKS:
            raise UnreadableError(BROKEN)


def _table_bytes(flags: bytes) -> int:
    """Return the size of a color table."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _size(head: bytes, descriptor: bytes) -> tuple[int, int]:
    """Return width and height of the canvas, which Pillow enlarges for a larger frame."""
    x, y, width, height = (int.from_bytes(descriptor[i : i + 2], "little") for i in (1, 3, 5, 7))
    canvas = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    return max(canvas[0], x + width), max(canvas[1], y + height)


def _transparency(control: bytes | None) -> bytes:
    """Return a control block that names the transparent color, and nothing else."""
    if not control or len(control) < 4 or not control[0] & _TRANSPARENT:
        return b""
    return bytes([_EXTENSION[0], _CONTROL, 4, _TRANSPARENT, 0, 0, control[3], 0])

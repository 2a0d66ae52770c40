"""Take a pickle apart into opcodes, within limits: nothing is run, nothing is made.

This is the loop of `pickletools.genops`, but an opcode is looked at before its argument is read: a line
of 256 MiB after an opcode that no model has costs nothing.
"""

from __future__ import annotations

import pickletools
import struct
from typing import NamedTuple

from digitsort.errors import require

PROTOCOL = 4
"""Pickle protocol of model files. Older Pythons and numpys read it; protocol 5 would tie the arrays to
numpy's newer module names."""

MOST_BYTES = 256 * 2**20
MOST_OPCODES = 5_000
"""A model of ten classes has 760, one of 256 classes 1,800."""

LONGEST_TEXT_BYTES = 4096
LONGEST_INTEGER_BYTES = 9

_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}

_BARE = frozenset(
    """
    STOP MARK MEMOIZE EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT SETITEM SETITEMS
    EMPTY_LIST APPEND APPENDS NONE NEWTRUE NEWFALSE STACK_GLOBAL NEWOBJ REDUCE BUILD
    """.split()
)

_NUMBERS = {
    "FRAME": struct.Struct("<Q"),
    "BINGET": struct.Struct("<B"),
    "LONG_BINGET": struct.Struct("<I"),
    "BININT": struct.Struct("<i"),
    "BININT1": struct.Struct("<B"),
    "BININT2": struct.Struct("<H"),
    "BINFLOAT": struct.Struct(">d"),
}

_COUNTED = {
    "LONG1": struct.Struct("<B"),
    "SHORT_BINUNICODE": struct.Struct("<B"),
    "BINUNICODE": struct.Struct("<I"),
    "SHORT_BINBYTES": struct.Struct("<B"),
    "BINBYTES": struct.Struct("<I"),
}
"""Format of the length of opcodes with a payload of any length."""

_LONGEST = {"LONG1": LONGEST_INTEGER_BYTES, "BINUNICODE": LONGEST_TEXT_BYTES}

ALLOWED = _BARE | _NUMBERS.keys() | _COUNTED.keys()

Argument = int | float | str | memoryview | None

_TOO_SHORT = "It is a damaged pickle, which ends too early"

_STARTS = (
    (b"\x1f\x8b", "is compressed with gzip: unpack it first"),
    (b"BZh", "is compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is compressed with xz: unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive: unpack it first"),
    (b"\x80", f"is a pickle, but not of protocol {PROTOCOL}"),
)


class Opcode(NamedTuple):
    """One step of a pickle; bytes are a view into the file."""

    name: str
    argument: Argument


def scan(data: bytes) -> list[Opcode]:
    """Split a pickle into its opcodes.

    Raises
    ------
    ModelError
        For an opcode that no model has, for too many or too long ones, and unless the first STOP is the
        last byte.
    """
    require(len(data) <= MOST_BYTES, f"It is larger than {MOST_BYTES >> 20} MiB")
    require(data[:2] == bytes((0x80, PROTOCOL)), f"It {_what_starts(data)}")
    view = memoryview(data)
    opcodes: list[Opcode] = []
    at, frame_end = 2, 0
    while not (opcodes and opcodes[-1].name == "STOP"):
        require(len(opcodes) < MOST_OPCODES, f"It holds more than {MOST_OPCODES} opcodes")
        start = at
        opcode, at = _next(view, start)
        frame_end = _check_frame(opcode, start, at, frame_end)
        opcodes.append(opcode)
    require(at == len(data), "Something follows the end of the model")
    return opcodes


def _check_frame(opcode: Opcode, start: int, end: int, frame_end: int) -> int:
    """Return where the frame ends that the next opcode lies in.

    Python's own readers differ on frames that do not match the opcodes, so these are refused.
    """
    inside = start < frame_end
    if opcode.name == "FRAME":
        require(not inside, "It is a damaged pickle: a FRAME starts in another one")
        return end + int(opcode.argument)  # type: ignore[arg-type]
    require(not inside or end <= frame_end, "It is a damaged pickle: a FRAME ends within an opcode")
    return frame_end


def _next(view: memoryview, at: int) -> tuple[Opcode, int]:
    """Return the opcode at a position, and the position of the next one."""
    require(at < len(view), _TOO_SHORT)
    name = _NAMES.get(view[at], f"{view[at]:#04x}")
    require(name in ALLOWED, f"It holds the pickle opcode {name}, no model does")
    if name in _NUMBERS:
        number, end = _unpack(_NUMBERS[name], view, at + 1)
        if name == "FRAME":
            require(
                number <= len(view) - end, "It is a damaged pickle: a FRAME is longer than the file"
            )
        return Opcode(name, number), end
    if name in _COUNTED:
        length, start = _unpack(_COUNTED[name], view, at + 1)
        longest = _LONGEST.get(name, MOST_BYTES)
        require(length <= longest, f"It holds a {name} of {length} bytes, more than {longest}")
        require(
            length <= len(view) - start, f"It is a damaged pickle: a {name} is longer than the file"
        )
        end = start + int(length)
        return Opcode(name, _decode(name, view[start:end])), end
    return Opcode(name, None), at + 1


def _unpack(form: struct.Struct, view: memoryview, at: int) -> tuple[int | float, int]:
    require(at + form.size <= len(view), _TOO_SHORT)
    (number,) = form.unpack_from(view, at)
    return number, at + form.size


def _decode(name: str, payload: memoryview) -> Argument:
    if name == "LONG1":
        return int.from_bytes(payload, "little", signed=True)
    if name.endswith("BYTES"):
        return payload
    text = str(payload, "utf-8", "replace")
    require(text.encode() == payload, "It holds text that is not UTF-8")
    return text


def _what_starts(data: bytes) -> str:
    for start, what in _STARTS:
        if data.startswith(start):
            return what
    return "is no pickle" if data else "is empty"

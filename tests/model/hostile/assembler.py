"""A very small assembler of pickles."""

from __future__ import annotations

import pickletools
import struct

from tests.model.hostile.case import Change

HEAD = b"\x80\x04"


def text(value: str) -> bytes:
    """Opcodes that push a text."""
    data = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + u4(len(data)) + data


def named(module: str, name: str) -> bytes:
    """Opcodes that push what a module holds."""
    return text(module) + text(name) + b"\x93"


def call(module: str, name: str, *arguments: str) -> bytes:
    """Opcodes that call what a module holds with texts."""
    return named(module, name) + b"(" + b"".join(map(text, arguments)) + b"tR"


def u4(number: int) -> bytes:
    """A length of four bytes."""
    return struct.pack("<I", number)


def whole(ops: bytes) -> Change:
    """A file of nothing but these opcodes."""
    return lambda _: HEAD + ops + b"."


def doubled(times: int) -> bytes:
    """Opcodes that turn the top of the stack, memoized as 0, into a pair of it and so on."""
    return b"".join(b"h" + bytes([n]) + b"\x86\x94" for n in range(times))


def unframed(data: bytes) -> bytes:
    """The same pickle without the opcodes that tell how much to read ahead."""
    places = [at for opcode, _, at in pickletools.genops(data) if opcode.name == "FRAME"]
    starts = [0, *(at + 9 for at in places if at is not None)]
    return b"".join(data[a:b] for a, b in zip(starts, [*places, len(data)], strict=True))

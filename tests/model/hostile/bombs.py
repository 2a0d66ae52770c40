"""Files that would take time or memory."""

from __future__ import annotations

from digitsort.model.inert_pickle import MOST_BYTES, MOST_OPCODES
from tests.model.hostile.case import HEAD, Hostile, doubled, inside, rawly, text, u4, whole


def big(size: int) -> bytes:
    """So many bytes behind an opcode that holds them."""
    return b"B" + u4(size) + bytes(size)


BOMBS: dict[str, Hostile] = {
    "too large": Hostile(lambda _: HEAD + bytes(MOST_BYTES), "larger than 256 MiB"),
    "a byte too large": Hostile(lambda _: HEAD + b"N" * (MOST_BYTES - 1), "larger than 256 MiB"),
    "16 MiB of opcodes": Hostile(whole(b"N" * (16 * 2**20)), f"more than {MOST_OPCODES} opcodes"),
    "16 MiB of tuples": Hostile(whole(b")" + b"\x85" * (16 * 2**20)), "more than .* opcodes"),
    "16 MiB of marks": Hostile(whole(b"(" * (16 * 2**20)), "more than .* opcodes|nests"),
    "a line of 16 MiB": Hostile(whole(b"I" + b"9" * (16 * 2**20) + b"\n"), "opcode INT"),
    "a number of 16 MiB": Hostile(whole(b"\x8b" + u4(16 * 2**20) + bytes(16 * 2**20)), "LONG4"),
    "a text of 16 MiB": Hostile(
        whole(b"X" + u4(16 * 2**20) + b"x" * (16 * 2**20)), "BINUNICODE of 16777216 bytes"
    ),
    "a text that says it has 4 GiB": Hostile(whole(b"X\xff\xff\xff\xff"), "BINUNICODE of"),
    "bytes that say they have 4 GiB": Hostile(whole(b"B\xff\xff\xff\xff"), "BINBYTES of"),
    "bytes that say they have 16 EiB": Hostile(whole(b"\x8e" + b"\xff" * 8), "BINBYTES8"),
    "a memo that says it has 2 Gi": Hostile(whole(b"Nr\xff\xff\xff\x7f"), "LONG_BINPUT"),
    "a frame that says it has 16 EiB": Hostile(whole(b"\x95" + b"\xff" * 8), "is longer"),
    "a list doubled 200 times": Hostile(whole(b")\x94" + doubled(200)), "no DigitClassifier"),
    "an array of 16 MiB under another name": Hostile(
        lambda good: inside(big(16 * 2**20))(good)[:-1], "ends too early"
    ),
    "an array that says it has 2^200 vectors": Hostile(
        rawly("known_vectors_", shape=(2**62, 392)), "not as long as it says"
    ),
}
"""Refused by what they say, before they can take time or memory."""


def bombs() -> dict[str, Hostile]:
    """Too many, too long, too deep; the large ones are in BOMBS."""
    return {
        "an opcode too many": Hostile(
            whole(b"]" + b"Na" * (MOST_OPCODES // 2)), "more than .* opcodes"
        ),
        "too many in a model": Hostile(inside(b"]" + b"Na" * MOST_OPCODES), "more than .* opcodes"),
        "33 marks": Hostile(whole(b"(" * 33 + b"N" + b"t" * 33), "nests more than 32"),
        "a deep tuple in a model": Hostile(inside(b"(" * 500 + b"t" * 500), "nests more than 32"),
        "a long text": Hostile(whole(b"X" + u4(4097) + b"x" * 4097), "BINUNICODE of 4097"),
        "a long text in a model": Hostile(inside(text("x" * 5000)), "BINUNICODE of 5000"),
        "a long number": Hostile(whole(b"\x8a\x0a" + bytes(10)), "LONG1 of 10"),
        "the longest number": Hostile(whole(b"\x8a\xff" + b"\x7f" * 255), "LONG1 of 255"),
        "a self-holding list": Hostile(whole(b"]\x94h\0a"), "no DigitClassifier"),
        "a deep tuple": Hostile(whole(b")" + b"\x85" * (MOST_OPCODES - 10)), "no DigitClassifier"),
    }

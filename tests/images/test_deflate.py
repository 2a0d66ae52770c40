"""Every library unpacks the same, and what is stored is a zlib stream."""

from __future__ import annotations

import sys
import tracemalloc
import zlib
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.images.png import SMALL_BYTES, _ng_or_zlib, crc32, holds, inflate, quickest, store

LIBRARIES: list[ModuleType] = [
    zlib,
    *([import_module("zlib_ng.zlib_ng")] if find_spec("zlib_ng") else []),
]

libraries = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)

WORDS = b"of paper and of ink " * 50
PACKED = zlib.compress(WORDS)


def packed(data: bytes, level: int, window_bits: int) -> bytes:
    stream = zlib.compressobj(level, wbits=window_bits)
    return stream.compress(data) + stream.flush()


def test_zlib_ng_is_taken_where_it_is_installed_and_worth_while() -> None:
    assert quickest(SMALL_BYTES) is LIBRARIES[-1]
    assert quickest(SMALL_BYTES - 1) is zlib


def test_without_zlib_ng_zlib_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zlib_ng", None)
    monkeypatch.delitem(sys.modules, "zlib_ng.zlib_ng", raising=False)
    assert _ng_or_zlib.__wrapped__() is zlib


@given(
    data=st.binary(max_size=3000) | st.integers(1, 9).map(lambda n: WORDS * n),
    level=st.integers(0, 9),
    window_bits=st.integers(9, 15),
)
@libraries
def test_a_good_stream_is_unpacked(
    library: ModuleType, data: bytes, level: int, window_bits: int
) -> None:
    stream = memoryview(packed(data, level, window_bits))
    assert inflate(stream, len(data), library=library) == data


@libraries
@pytest.mark.parametrize(
    "stream",
    [zlib.compress(WORDS + b"!"), PACKED + b"!"],
    ids=["more in the stream", "more behind it"],
)
def test_what_is_too_much_is_left_out(library: ModuleType, stream: bytes) -> None:
    assert inflate(stream, len(WORDS), library=library) == WORDS
    assert holds(stream, len(WORDS))


BROKEN = {
    "empty": b"",
    "a byte": PACKED[:1],
    "no stream": b"no stream at all",
    "cut off": PACKED[: len(PACKED) // 2],
    "too short": zlib.compress(WORDS[:-1]),
    "another method": b"\x77\x9f" + PACKED[2:],
    "a window too large": b"\x88\x1c" + PACKED[2:],
    "a head with a wrong sum": b"\x78\x9d" + PACKED[2:],
    "a dictionary": b"\x78\xbb" + PACKED[2:],
    "an unknown block": PACKED[:2] + b"\xff" * 40,
    "something before the checksum": PACKED[:-4] + b"junk" + PACKED[-4:],
}


@pytest.mark.parametrize("stream", BROKEN.values(), ids=BROKEN)
@libraries
def test_anything_else_is_none(library: ModuleType, stream: bytes) -> None:
    assert inflate(stream, len(WORDS), library=library) is None
    assert not holds(stream, len(WORDS))


@libraries
def test_a_wrong_checksum_is_seen(library: ModuleType) -> None:
    stream = PACKED[:-1] + bytes([PACKED[-1] ^ 1])
    assert inflate(stream, len(WORDS), library=library) is None


@libraries
def test_a_bomb_stays_small(library: ModuleType) -> None:
    bomb = zlib.compress(bytes(2**24))
    tracemalloc.start()
    assert inflate(bomb, 1000, library=library) == bytes(1000)
    assert holds(bomb, 2**24)
    assert not holds(bomb, 2**24 + 1)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@given(st.binary(min_size=1, max_size=300), st.sampled_from([1, 300, 2**10]))
def test_what_is_stored_is_a_zlib_stream(data: bytes, times: int) -> None:
    """Of one block or of several."""
    data *= times
    assert zlib.decompress(store(data)) == data


@pytest.mark.parametrize("length", [2**16 - 2, 2**16 - 1, 2**16, 2**17 - 2, 2**17 - 1])
def test_about_the_length_of_a_block(length: int) -> None:
    data = bytes(length)
    assert zlib.decompress(store(memoryview(data))) == data


@given(st.binary(max_size=300), st.sampled_from([1, 300]))
def test_the_sum_of_a_chunk_is_that_of_zlib(data: bytes, times: int) -> None:
    data *= times
    assert crc32(memoryview(data)) == zlib.crc32(data)


class Bits:
    """Bits as deflate packs them (RFC 1951, 3.1.1)."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, value: int, count: int) -> None:
        """Append a number, its lowest bit first."""
        self.bits += [value >> i & 1 for i in range(count)]

    def code(self, code: int, length: int) -> None:
        """Append a Huffman code, its highest bit first."""
        self.bits += [code >> i & 1 for i in reversed(range(length))]

    def packed(self) -> bytes:
        bits = self.bits + [0] * (-len(self.bits) % 8)
        return bytes(sum(bits[at + i] << i for i in range(8)) for at in range(0, len(bits), 8))


ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
"""Of the lengths of the codes for lengths (RFC 1951, 3.2.7)."""


def canonical(lengths: list[int]) -> dict[int, tuple[int, int]]:
    """Symbol to code and its length (RFC 1951, 3.2.2); over-full sets give codes all the same."""
    codes, code = {}, 0
    for length in range(1, 16):
        for symbol, wanted in enumerate(lengths):
            if wanted == length:
                codes[symbol] = code & (1 << length) - 1, length
                code += 1
        code <<= 1
    return codes


def stream_of(literals: list[int], distances: list[int], data: bytes) -> bytes:
    """A zlib stream of one block with these lengths of codes, and literals only."""
    bits, codes = Bits(), canonical(literals)
    bits.put(1, 1)
    bits.put(2, 2)
    bits.put(len(literals) - 257, 5)
    bits.put(len(distances) - 1, 5)
    bits.put(15, 4)
    for symbol in ORDER:
        bits.put(4 if symbol < 16 else 0, 3)  # sixteen codes of four bits: complete
    for length in literals + distances:
        bits.code(length, 4)
    for symbol in [*data, 256]:
        bits.code(*codes[symbol])
    return b"\x78\x01" + bits.packed() + zlib.adler32(data).to_bytes(4)


LENGTHS = {
    "complete": ([1] + [0] * 255 + [1], [1, 1]),
    "one distance": ([1] + [0] * 255 + [1], [1]),
    "no distance": ([1] + [0] * 255 + [1], [0]),
    "literals incomplete": ([2] + [0] * 255 + [2], [1, 1]),
    "literals incomplete by a hair": ([1] + [0] * 255 + [15], [1, 1]),
    "distances incomplete": ([1] + [0] * 255 + [1], [2, 2]),
    "one long distance": ([1] + [0] * 255 + [1], [5]),
    "distances incomplete by a hair": ([1] + [0] * 255 + [1], [*range(1, 14), 14, 15]),
    "literals overfull": ([1, 1] + [0] * 254 + [1], [1, 1]),
    "distances overfull": ([1] + [0] * 255 + [1], [1, 1, 1]),
}


@pytest.mark.parametrize(("literals", "distances"), LENGTHS.values(), ids=LENGTHS)
def test_every_library_refuses_the_same_code_tables(literals: list[int], distances: list[int]) -> None:
    """Incomplete tables are refused, but for a single code of one bit (RFC 1951, 3.2.7)."""
    data = bytes(2**15)
    found = {
        bool(inflate(stream_of(literals, distances, data), len(data), library=each))
        for each in LIBRARIES
    }
    kraft = [sum(2.0**-length for length in lengths if length) for lengths in (literals, distances)]
    good = kraft[0] == 1 and (kraft[1] == 1 or (max(distances) <= 1 and len(distances) == 1))
    assert found == {good}


@given(st.data())
def test_every_library_unpacks_a_broken_stream_alike(data: st.DataObject) -> None:
    """The checksum is made right, so that only the codes decide."""
    whole = data.draw(st.binary(min_size=1, max_size=400)) * data.draw(st.integers(1, 100))
    stream = bytearray(zlib.compress(whole, data.draw(st.integers(0, 9))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(len(stream) - 1, 100)))
        stream[at] = data.draw(st.integers(0, 255))
    made = zlib.decompressobj()
    try:
        body = made.decompress(bytes(stream), 2**20)
    except zlib.error:
        body = whole
    stream[-4:] = zlib.adler32(body).to_bytes(4)
    found = [inflate(bytes(stream), len(body), library=each) for each in LIBRARIES]
    assert all(each == found[0] for each in found)

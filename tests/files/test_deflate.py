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

from digitsort.files.deflate import SMALL_BYTES, _isal_or_zlib, crc32, inflate, quickest, store

LIBRARIES: list[ModuleType] = [zlib, *([import_module("isal.isal_zlib")] if find_spec("isal") else [])]

ways = pytest.mark.parametrize("checked", [True, False])
libraries = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)

WORDS = b"of paper and of ink " * 50
PACKED = zlib.compress(WORDS)


def packed(data: bytes, level: int, window_bits: int) -> bytes:
    stream = zlib.compressobj(level, wbits=window_bits)
    return stream.compress(data) + stream.flush()


def test_isal_is_taken_where_it_is_installed_and_worth_while() -> None:
    assert quickest(SMALL_BYTES) is LIBRARIES[-1]
    assert quickest(SMALL_BYTES - 1) is zlib


def test_without_isal_zlib_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.delitem(sys.modules, "isal.isal_zlib", raising=False)
    assert _isal_or_zlib.__wrapped__() is zlib


@given(
    data=st.binary(max_size=3000) | st.integers(1, 9).map(lambda n: WORDS * n),
    level=st.integers(0, 9),
    window_bits=st.integers(9, 15),
)
@ways
@libraries
def test_a_good_stream_is_unpacked(
    library: ModuleType, checked: bool, data: bytes, level: int, window_bits: int
) -> None:
    stream = memoryview(packed(data, level, window_bits))
    assert inflate(stream, len(data), checked=checked, library=library) == data


BROKEN = {
    "empty": b"",
    "a byte": PACKED[:1],
    "no stream": b"no stream at all",
    "cut off": PACKED[: len(PACKED) // 2],
    "too long": zlib.compress(WORDS + b"!"),
    "too short": zlib.compress(WORDS[:-1]),
    "another method": b"\x77\x9f" + PACKED[2:],
    "a window too large": b"\x88\x1c" + PACKED[2:],
    "a head with a wrong sum": b"\x78\x9d" + PACKED[2:],
    "a dictionary": b"\x78\xbb" + PACKED[2:],
    "an unknown block": PACKED[:2] + b"\xff" * 40,
    "something behind": PACKED + b"!",
    "something before the checksum": PACKED[:-4] + b"junk" + PACKED[-4:],
}


@pytest.mark.parametrize("stream", BROKEN.values(), ids=BROKEN)
@ways
@libraries
def test_anything_else_is_none(library: ModuleType, checked: bool, stream: bytes) -> None:
    assert inflate(stream, len(WORDS), checked=checked, library=library) is None


@libraries
def test_a_wrong_checksum_is_seen(library: ModuleType) -> None:
    stream = PACKED[:-1] + bytes([PACKED[-1] ^ 1])
    assert inflate(stream, len(WORDS), library=library) is None


@ways
@libraries
def test_a_bomb_stays_small(library: ModuleType, checked: bool) -> None:
    bomb = zlib.compress(bytes(2**24))
    tracemalloc.start()
    assert inflate(bomb, 1000, checked=checked, library=library) is None
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@given(st.binary(min_size=1, max_size=300), st.sampled_from([1, 300, 2**10]))
def test_what_is_stored_is_a_zlib_stream(data: bytes, times: int) -> None:
    """Of one block or of several."""
    data *= times
    assert zlib.decompress(store(data, zlib.adler32(data).to_bytes(4))) == data


@pytest.mark.parametrize("length", [2**16 - 2, 2**16 - 1, 2**16, 2**17 - 2, 2**17 - 1])
def test_about_the_length_of_a_block(length: int) -> None:
    data = bytes(length)
    assert zlib.decompress(store(memoryview(data), zlib.adler32(data).to_bytes(4))) == data


@given(st.binary(max_size=300), st.sampled_from([1, 300]))
def test_the_sum_of_a_chunk_is_that_of_zlib(data: bytes, times: int) -> None:
    data *= times
    assert crc32(memoryview(data)) == zlib.crc32(data)

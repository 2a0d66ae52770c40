"""Small pictures that are decoded together are what Pillow makes of each alone."""

from __future__ import annotations

import io
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitsort.images.gray import REDUCE_TO_PX
from digitsort.images.png import SMALL_PX, Pixels, Scanlines, unfilter, unpack
from tests.images.hostile import chunk

FILTERS = 5


def scanlines(size: tuple[int, int], seed: int) -> Scanlines:
    """Any bytes behind any filters are a picture."""
    width, height = size
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (height, width + 1), np.uint8)
    rows[:, 0] = rng.integers(0, FILTERS, height)
    return Scanlines(width, rows.tobytes())


def as_pillow_reads(picture: Scanlines) -> Pixels:
    """The pixels of a file with these rows."""
    header = (
        picture.width.to_bytes(4, "big") + picture.height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    )
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(picture.rows)), chunk(b"IEND", b"")
    with Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(parts))) as image:
        return np.asarray(image)


sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))


@given(st.lists(st.tuples(sizes, st.integers(0, 99)), max_size=12))
def test_many_together_are_what_each_is_alone(wanted: list[tuple[tuple[int, int], int]]) -> None:
    pictures = [scanlines(*each) for each in wanted]
    for found, picture in zip(unfilter(pictures), pictures, strict=True):
        assert np.array_equal(found, as_pillow_reads(picture))


def test_the_largest_and_a_whole_stack_of_them() -> None:
    pictures = [scanlines((64, SMALL_PX // 64), seed) for seed in range(128)]
    for found, picture in zip(unfilter(pictures), pictures, strict=True):
        assert np.array_equal(found, as_pillow_reads(picture))


ROWS = bytes([4, 1, 2, 3] * 2)


def test_a_stream_is_unpacked() -> None:
    assert unpack((3, 2), zlib.compress(ROWS)) == Scanlines(3, ROWS)


def test_rows_that_are_too_many_are_left_out() -> None:
    assert unpack((3, 2), zlib.compress(ROWS + b"\0")) == Scanlines(3, ROWS)


@pytest.mark.parametrize(
    ("size", "packed"),
    [
        ((3, 2), b""),
        ((3, 2), b"no stream"),
        ((3, 2), zlib.compress(ROWS)[:-1]),
        ((3, 2), zlib.compress(ROWS)[:-1] + b"?"),
        ((3, 2), zlib.compress(ROWS[:-1])),
        ((3, 2), zlib.compress(bytes([FILTERS, 1, 2, 3] * 2))),
        ((SMALL_PX + 1, 1), zlib.compress(bytes(SMALL_PX + 2))),
        ((2 * REDUCE_TO_PX, 1), zlib.compress(bytes(2 * REDUCE_TO_PX + 1))),
        ((1, 2 * REDUCE_TO_PX), zlib.compress(bytes(4 * REDUCE_TO_PX))),
    ],
    ids="empty none cut wrong-sum too-few unknown-filter large wide high".split(),
)
def test_what_is_not_as_it_should_be_is_left_alone(size: tuple[int, int], packed: bytes) -> None:
    assert unpack(size, packed) is None


def test_a_small_header_does_not_unpack_a_bomb() -> None:
    """Memory is bounded by the header's size, not by what the stream would become."""
    bomb = zlib.compress(bytes(2**24))
    tracemalloc.start()
    assert unpack((8, 8), bomb) == Scanlines(8, bytes(72))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()

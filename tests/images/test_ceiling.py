"""A decoder that takes too much fails, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, digit_png

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no such limit here")

HEAD = """
import resource, sys, threading
from digitsort.images import read as reading
from digitsort.images.limits import BEYOND_BYTES, PIXEL_BYTES, ceiling, limit_decoders
MIB = 2**20
def fits(size):
    try:
        bytearray(size)
    except MemoryError:
        return False
    return True
"""


def run(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", HEAD + program, *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout.strip()


def test_the_limit_is_as_said_and_ends_with_the_block() -> None:
    assert (
        run("""
limit_decoders()
before = resource.getrlimit(resource.RLIMIT_DATA)
with ceiling(0) as allow:
    print(fits(BEYOND_BYTES - 5 * MIB), fits(BEYOND_BYTES + 5 * MIB))
    allow(MIB)
    size = BEYOND_BYTES + PIXEL_BYTES * MIB
    print(fits(size - 5 * MIB), fits(size + 5 * MIB))
print(fits(2 * BEYOND_BYTES), before == resource.getrlimit(resource.RLIMIT_DATA))
""")
        == "True False\nTrue False\nTrue True"
    )


def test_a_lower_limit_of_the_user_s_stays() -> None:
    assert (
        run("""
limit_decoders()
resource.setrlimit(resource.RLIMIT_DATA, (200 * MIB, resource.RLIM_INFINITY))
with ceiling(0) as allow:
    allow(64 * MIB)
    print(resource.getrlimit(resource.RLIMIT_DATA)[0] == 200 * MIB)
""")
        == "True"
    )


def test_without_being_asked_and_in_a_second_thread_nothing_is_limited() -> None:
    """A program that uses digitsort has its memory for itself."""
    assert (
        run("""
with ceiling(0):
    print(fits(2 * BEYOND_BYTES))
limit_decoders()
def nested():
    with ceiling(0) as allow:
        allow(0)
with ceiling(0):
    before = resource.getrlimit(resource.RLIMIT_DATA)
    thread = threading.Thread(target=nested)
    thread.start()
    thread.join()
    print(before == resource.getrlimit(resource.RLIMIT_DATA))
""")
        == "True\nTrue"
    )


def test_a_decoder_that_takes_more_is_a_row(tmp_path: Path) -> None:
    """It is told that there is no memory."""
    (tmp_path / "x.gif").write_bytes(b"GIF89a")
    (tmp_path / "good.png").write_bytes(digit_png(3))
    assert (
        run(
            """
limit_decoders()
reading.open_picture = lambda data, limits: bytearray(BEYOND_BYTES + 50 * MIB)
try:
    reading.read(sys.argv[1])
except reading.UnreadableError as error:
    print(error)
print(reading.read(sys.argv[2]).gray.shape)
""",
            str(tmp_path / "x.gif"),
            str(tmp_path / "good.png"),
        )
        == "not enough memory\n(64, 64)"
    )

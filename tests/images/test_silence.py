"""C libraries are kept from writing to stderr, and nothing else."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from digitsort.images.read import c_stderr_silenced
from tests.conftest import digit_image, digit_png, encoded, make_tree, run_digitsort


def test_what_is_written_to_stderr_within_is_gone_and_comes_after(
    capfd: pytest.CaptureFixture[str],
) -> None:
    os.write(2, b"before ")
    with c_stderr_silenced():
        os.write(2, b"within ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_it_is_over_when_the_last_thread_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    """Two at once: the one that began last ends last, and stderr is what it was."""
    entered, leave = threading.Event(), threading.Event()

    def second() -> None:
        with c_stderr_silenced():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=second)
    with c_stderr_silenced():
        thread.start()
        assert entered.wait(10)
    os.write(2, b"still silent")
    leave.set()
    thread.join()
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_no_descriptor_is_lost() -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("open files can't be counted here")
    before = len(os.listdir(descriptors))
    for _ in range(3):
        with c_stderr_silenced():
            pass
    assert before == len(os.listdir(descriptors))


def test_a_damaged_tiff_is_a_row_and_no_noise(tmp_path: Path, model_file: Path) -> None:
    """Libtiff would print "ZIPDecode: Decoding error at scanline 0 …"."""
    good = encoded(digit_image(3), "TIFF", compression="tiff_adobe_deflate")
    damaged = good[:200] + bytes(40) + good[240:]
    make_tree(tmp_path, {"s": {"1.tif": damaged, "2.png": digit_png(2)}})
    done = run_digitsort("classify", "s", "-m", model_file, "-o", "-", "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "s/1.tif,,,error,broken image" in done.stdout

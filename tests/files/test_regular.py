"""Only regular files are read, whole, within a limit, and nothing is waited for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from digitsort.files.regular import NotRegularError, TooLargeError, read_regular


def test_a_file_is_read_whole_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert read_regular(tmp_path / "x", 3) == b"abc"
    with pytest.raises(TooLargeError):
        read_regular(tmp_path / "x", 2)


def test_an_empty_file_is_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert read_regular(str(tmp_path / "x"), 0) == b""


def test_a_folder_or_a_pipe_is_none(tmp_path: Path) -> None:
    """Nobody ever writes to the pipe."""
    kinds = [tmp_path]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        kinds.append(tmp_path / "pipe")
    for path in kinds:
        with pytest.raises(NotRegularError):
            read_regular(path, 9)


def test_what_the_system_says_is_raised(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 9)


def test_what_takes_the_place_of_a_file_after_the_first_look_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to a device, a pipe: neither is read, or waited for."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    good = tmp_path / "good"
    good.write_bytes(b"abc")
    path = tmp_path / "x"
    first = os.stat
    for make in (lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero"), path.mkdir):
        path.write_bytes(b"abc")

        def look(name: str, make: Callable[[], object] = make) -> os.stat_result:
            status = first(name)
            path.unlink()
            make()
            return status

        with monkeypatch.context() as patch:
            patch.setattr("digitsort.files.regular.os.stat", look)
            with pytest.raises(NotRegularError):
                read_regular(str(path), 9)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def test_a_device_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/zero"):
        pytest.skip("no devices here")
    (tmp_path / "x").symlink_to("/dev/zero")
    opened: list[object] = []
    monkeypatch.setattr("digitsort.files.regular.os.open", lambda *args: opened.append(args))
    with pytest.raises(NotRegularError):
        read_regular(tmp_path / "x", 9)
    assert not opened


def test_a_file_that_comes_in_small_pieces_is_read_in_linear_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems give a page at a time; one that grows is read as long as it was."""
    size, read = 2**27, os.read
    (tmp_path / "x").write_bytes(bytes(size))

    def piece(descriptor: int, wanted: int) -> bytes:
        return read(descriptor, min(wanted, 4096))

    monkeypatch.setattr("digitsort.files.regular.os.read", piece)
    started = time.process_time()
    assert len(read_regular(tmp_path / "x", size)) == size
    assert time.process_time() - started < 20  # adding each to those before takes minutes


def test_a_file_that_was_replaced_is_read_as_long_as_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, look = tmp_path / "x", os.stat
    for content in (b"abcdef", b"a", b""):
        path.write_bytes(b"abc")

        def replaced(name: Path, content: bytes = content) -> os.stat_result:
            status = look(name)
            path.write_bytes(content)
            return status

        with monkeypatch.context() as patch:
            patch.setattr("digitsort.files.regular.os.stat", replaced)
            assert read_regular(path, 9) == content
            path.write_bytes(b"abc")
            if len(content) > 3:
                with pytest.raises(TooLargeError):
                    read_regular(path, 3)

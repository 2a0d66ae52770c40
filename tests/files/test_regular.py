"""Only regular files are read, whole, within a limit, and nothing is waited for."""

from __future__ import annotations

import os
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

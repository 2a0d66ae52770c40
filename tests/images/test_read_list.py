"""Lists of paths: in any encoding and with any line ends a sentence or the right paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from digitsort.errors import UsageError
from digitsort.images.read_list import MOST_PATH_BYTES, read_list
from tests.conftest import invoke


def listed(folder: Path, content: bytes, separator: bytes = b"\n") -> list[str]:
    path = folder / "list"
    path.write_bytes(content)
    return read_list(path, separator)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a\nb", ["a", "b"]),
        (b"a\n\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\r\nb\r\n\n", ["a", "b"]),
        (b"a\r\nb\n", ["a", "b"]),
        (b"a\r\nb", ["a", "b"]),
        (b"a\r\nb\nc\r\n", ["a\r", "b", "c\r"]),
        (b"a\r", ["a"]),
        ("a\nb\n".encode("utf-16"), ["a", "b"]),
        ("\xe9.png\r\nb.png\r\n".encode("utf-16"), ["\xe9.png", "b.png"]),
        (b"\xfe\xff" + "a.png\r\n".encode("utf-16-be"), ["a.png"]),
        (b"# scans of May\r\na\r\n#\r\n", ["a"]),
        (b"#1.png\na#b\n #c\n", ["a#b", " #c"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
        (b"\xff.png\n", ["\udcff.png"]),
        (" é\t.png \n".encode(), [" é\t.png "]),
    ],
)
def test_lines_are_paths(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    assert listed(tmp_path, content) == expected


def test_backslashes_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    r"""``sub\a`` is read as ``sub/a`` if that exists and no file has the literal name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("sub/a", "sub/b", "sub\\b"):
        (tmp_path / name).touch()
    found = listed(tmp_path, ".\\sub\\a\r\nsub\\b\r\nsub\\gone\r\n".encode("utf-16"))
    assert found == ["./sub/a", "sub\\b", "sub\\gone"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"a\nb\0\xef\xbb\xbfc\r\0\0", ["a\nb", "\ufeffc\r"]), (b"\0" * 3_000_000 + b"a", ["a"])],
)
def test_between_nuls_everything_is_part_of_a_path(
    tmp_path: Path, content: bytes, expected: list[str]
) -> None:
    assert listed(tmp_path, content, b"\0") == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a.png\n".encode("utf-16")[:-1] + b"\xd8", "is not valid UTF-16"),
        ("a.png\n".encode("utf-16-le"), "--files-from0"),
        (b"a\0b\n", "--files-from0"),
        (b"\x89PNG\r\n\x1a\n\0\0", "--files-from0"),
        (b"x" * (MOST_PATH_BYTES + 1), "is not a list of paths"),
        (b"x" * (MOST_PATH_BYTES + 1) + b"\na", "is not a list of paths"),
    ],
)
def test_what_is_no_list_is_a_usage_error(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        listed(tmp_path, content)
    done = invoke("classify", "--files-from", tmp_path / "list", "-o", tmp_path / "labels.csv")
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device here")
@pytest.mark.parametrize("separator", [b"\n", b"\0"])
def test_an_endless_list_ends(separator: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitsort.images.read_list.MOST_LIST_BYTES", 10_000_000)
    with pytest.raises(UsageError):
        read_list(Path("/dev/zero"), separator)


def test_a_file_whose_name_begins_like_a_comment_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "#1.png").touch()
    assert listed(tmp_path, b"#1.png\n#2.png\n") == ["#1.png"]

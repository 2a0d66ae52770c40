"""What may be removed because its content lies elsewhere."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from digitsort.files.disk import Disk
from digitsort.files.places import open_places
from digitsort.sorting import removal
from digitsort.sorting.removal import SECTOR_BYTES, remove_copy, remove_torn
from digitsort.sorting.transfer import NotDeliveredError
from tests.sources.making import make_archive

WHOLE = bytes(range(1, 256)) * 10
SHA256 = hashlib.sha256(WHOLE).hexdigest()

TORN = {
    "empty": b"",
    "zeros": bytes(len(WHOLE)),
    "too short": WHOLE[: 3 * SECTOR_BYTES + 7],
    "a sector is missing": WHOLE[:SECTOR_BYTES] + bytes(SECTOR_BYTES) + WHOLE[2 * SECTOR_BYTES :],
}

NOT_TORN = {
    "one byte is another": WHOLE[:-1] + b"!",
    "longer": WHOLE + b"more",
    "longer by zeros": WHOLE + bytes(9),
    "edited and short": b"edited",
    "moved by a byte": WHOLE[1:],
}


@pytest.mark.parametrize("content", [*TORN.values(), *NOT_TORN.values()], ids=[*TORN, *NOT_TORN])
def test_only_what_the_whole_file_has_goes(tmp_path: Path, content: bytes) -> None:
    whole, copy = tmp_path / "whole", tmp_path / "copy"
    whole.write_bytes(WHOLE)
    copy.write_bytes(content)
    if content in TORN.values():
        _remove(copy, whole)
        assert not copy.exists()
    else:
        with pytest.raises(NotDeliveredError):
            _remove(copy, whole)
        assert copy.read_bytes() == content
    assert whole.read_bytes() == WHOLE


@pytest.mark.parametrize("kind", ["missing", "changed", "the copy itself", "a link to the copy"])
def test_without_the_whole_file_nothing_goes(tmp_path: Path, kind: str) -> None:
    whole, copy = tmp_path / "whole", tmp_path / "copy"
    copy.write_bytes(WHOLE[:600])
    if kind == "changed":
        whole.write_bytes(WHOLE[:-1])
    elif kind == "a link to the copy":
        whole.symlink_to(copy)
    with pytest.raises((NotDeliveredError, FileNotFoundError)):
        _remove(copy, copy if kind == "the copy itself" else Path(os.path.realpath(whole)))
    assert copy.read_bytes() == WHOLE[:600]


def test_a_copy_that_changes_while_the_archive_is_read_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large archive takes seconds to read, and a person may save meanwhile."""
    archive = make_archive(tmp_path / "a.tar", {"1.png": WHOLE})
    copy = tmp_path / "1.png"
    copy.write_bytes(WHOLE)

    def slowly(*arguments: Any) -> None:
        check(*arguments)
        copy.write_bytes(b"edited")

    check = removal._check_member
    monkeypatch.setattr(removal, "_check_member", slowly)
    disk = Disk()
    with open_places(disk) as places, pytest.raises(NotDeliveredError):
        remove_copy(disk, places, places.at(str(copy)), f"{archive}/1.png", SHA256)
    assert copy.read_bytes() == b"edited"


def _remove(copy: Path, whole: Path) -> None:
    disk = Disk()
    with open_places(disk) as places:
        remove_torn(disk, places.at(str(copy)), places.at(str(whole)), SHA256)

"""The key with which digitsort seals its own files."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from digitsort.errors import OutputError
from digitsort.files import sealed
from digitsort.files.disk import DISK, SYNCS_FILE_SYSTEMS
from digitsort.files.own_folder import cache_folder
from digitsort.files.sealed import KEY_BYTES, seal, state_folder


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("DIGITSORT_STATE", str(folder))
    return folder


def test_a_seal_is_of_one_purpose_one_text_and_one_user(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = seal(b"journal", b"text")
    assert mine == seal(b"journal", b"text")
    monkeypatch.setenv("DIGITSORT_STATE", str(state / "of another user"))
    others = {seal(b"journal", b"text")}
    monkeypatch.setenv("DIGITSORT_STATE", str(state))
    others |= {seal(b"journal", b"texts"), seal(b"rows", b"text")}
    assert mine not in others
    assert len(others) == 3


@pytest.mark.skipif(os.name != "posix", reason="no POSIX modes here")
def test_the_key_is_the_users_own(state: Path) -> None:
    seal(b"journal", b"")
    assert [path.name for path in state.iterdir()] == ["key"]
    assert (state / "key").stat().st_mode & 0o777 == 0o600
    assert (state / "key").stat().st_size == KEY_BYTES


@pytest.mark.skipif(os.name != "posix", reason="no POSIX modes here")
@pytest.mark.parametrize("kind", ["readable by others", "short", "a link", "a pipe", "a folder"])
def test_a_key_that_others_know_or_that_is_none_is_refused(
    state: Path, tmp_path: Path, kind: str
) -> None:
    state.mkdir()
    key = state / "key"
    if kind == "a folder":
        key.mkdir()
    elif kind == "a pipe":
        os.mkfifo(key, 0o600)
    elif kind == "a link":
        (tmp_path / "elsewhere").write_bytes(b"k" * KEY_BYTES)
        (tmp_path / "elsewhere").chmod(0o600)
        key.symlink_to(tmp_path / "elsewhere")
    else:
        key.write_bytes(b"k" * (5 if kind == "short" else KEY_BYTES))
        key.chmod(0o644 if kind == "readable by others" else 0o600)
    with pytest.raises(OutputError, match="DIGITSORT_STATE"):
        seal(b"journal", b"")


def test_a_state_folder_that_cannot_be_made_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("DIGITSORT_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(OutputError, match="Set DIGITSORT_STATE to a folder of your own"):
        seal(b"journal", b"")


@pytest.mark.skipif(os.name != "posix", reason="no user database here")
def test_a_user_without_a_home_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as any user."""
    for name in ("DIGITSORT_STATE", "DIGITSORT_CACHE", "HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    with pytest.raises(OutputError, match="Set DIGITSORT_STATE to an absolute path"):
        state_folder()
    with pytest.raises(OSError, match="home"):
        cache_folder()


def _refused(*arguments: object, **options: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("has_rename", [True, False])
def test_without_hard_links_two_processes_get_one_key(
    state: Path, monkeypatch: pytest.MonkeyPatch, has_rename: bool
) -> None:
    """The other process makes its key after this one found none: this one drops its own."""
    monkeypatch.setattr(os, "link", _refused)
    if not has_rename:
        monkeypatch.setattr(DISK, "rename_new", _refused)
    publish = sealed._publish_without_link

    def late(temporary: Path, path: Path) -> None:
        path.write_bytes(b"t" * KEY_BYTES)
        path.chmod(0o600)
        publish(temporary, path)

    monkeypatch.setattr(sealed, "_publish_without_link", late)
    seal(b"journal", b"")
    assert [path.name for path in state.iterdir()] == ["key"]
    assert (state / "key").read_bytes() == b"t" * KEY_BYTES


@pytest.mark.parametrize("has_rename", [True, False])
def test_a_key_without_hard_links(
    state: Path, monkeypatch: pytest.MonkeyPatch, has_rename: bool
) -> None:
    monkeypatch.setattr(os, "link", _refused)
    if not has_rename:
        monkeypatch.setattr(DISK, "rename_new", _refused)
    seal(b"journal", b"")
    assert [path.name for path in state.iterdir()] == ["key"]
    assert len((state / "key").read_bytes()) == KEY_BYTES


def test_a_key_that_is_being_written_is_waited_for(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.mkdir()
    (state / "key").touch(mode=0o600)
    monkeypatch.setattr(time, "sleep", lambda _: (state / "key").write_bytes(b"k" * KEY_BYTES))
    assert len(seal(b"journal", b"")) == 2 * sealed.SEAL_BYTES


@pytest.mark.skipif(not SYNCS_FILE_SYSTEMS, reason="no such call here")
def test_a_new_key_is_durable_under_its_name(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, a power cut would make every journal a stranger's."""
    seen = []
    monkeypatch.setattr(DISK, "sync_file_system", lambda place: seen.append(os.listdir(state)))
    seal(b"journal", b"")
    assert len(seen) == 1
    assert "key" in seen[0]
    seal(b"journal", b"more")
    assert len(seen) == 1

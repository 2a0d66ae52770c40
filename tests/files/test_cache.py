"""Where things are kept that can be made again."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from digitsort.files.own_folder import (
    CACHE_VARIABLE,
    NotPrivateError,
    cache_folder,
    private_cache_folder,
)
from tests.conftest import Link, make_tree

posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners as POSIX has them")

NOBODY = 65534


def test_the_variable_names_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "mine"))
    assert tmp_path / "mine" == cache_folder()


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_cache_is_a_folder_of_digitsort_in_the_users_own(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv(CACHE_VARIABLE)
    else:
        monkeypatch.setenv(CACHE_VARIABLE, value)
    assert "digitsort" in cache_folder().parts
    assert cache_folder().is_absolute()


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that is not there yet."""
    folder = tmp_path / "mine" / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


@posix
def test_it_is_made_for_the_user_alone(named: Path) -> None:
    assert private_cache_folder() == named
    assert stat.S_IMODE(named.stat().st_mode) == 0o700
    assert private_cache_folder() == named


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_folder_that_others_may_write_to_is_not_used(named: Path, mode: int) -> None:
    named.mkdir(parents=True)
    named.chmod(mode)
    with pytest.raises(NotPrivateError, match=r"other users may write to .*cache"):
        private_cache_folder()


@posix
def test_digitsorts_own_folder_is_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier digitsort made it as the umask had it."""
    if sys.platform == "darwin":
        pytest.skip("XDG_CACHE_HOME names no folder here")
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "digitsort").mkdir()
    (tmp_path / "digitsort").chmod(0o775)
    assert private_cache_folder() == tmp_path / "digitsort"
    assert stat.S_IMODE((tmp_path / "digitsort").stat().st_mode) == 0o700


@posix
def test_a_folder_below_one_that_others_may_write_to_is_not_used(named: Path) -> None:
    """They could put another one in its place; in a sticky folder, such as /tmp, they could not."""
    named.mkdir(parents=True, mode=0o700)
    named.parent.chmod(0o777)
    with pytest.raises(NotPrivateError, match=r"other users may write to .*mine above it"):
        private_cache_folder()
    named.parent.chmod(0o1777)
    assert private_cache_folder() == named


@posix
def test_another_users_folder_is_not_used(named: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives folders away")
    named.mkdir(parents=True, mode=0o700)
    os.chown(named, NOBODY, NOBODY)
    with pytest.raises(NotPrivateError, match="cache belongs to another user"):
        private_cache_folder()
    os.chown(named, 0, 0)
    os.chown(named.parent, NOBODY, NOBODY)
    with pytest.raises(NotPrivateError, match="mine above it belongs to another user"):
        private_cache_folder()


@posix
def test_a_link_counts_as_what_it_leads_to(named: Path, tmp_path: Path) -> None:
    make_tree(tmp_path, {"open": {}, "mine": {"cache": Link("../open")}})
    assert private_cache_folder() == tmp_path / "open"
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(NotPrivateError, match="open"):
        private_cache_folder()

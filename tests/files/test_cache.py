"""Where things are kept that can be made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort.files.cache import CACHE_VARIABLE, cache_folder


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

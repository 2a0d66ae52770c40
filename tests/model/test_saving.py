"""A model file is whole or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort.errors import OutputError
from digitsort.model.saving import save


def test_save_gives_back_what_the_disk_holds(model_file: Path, tmp_path: Path) -> None:
    data = model_file.read_bytes()
    model = save(data, tmp_path / "m.pkl", force=False)
    assert (tmp_path / "m.pkl").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["m.pkl"]
    assert model.card.classes == tuple("0123456789")


def test_an_existing_model_is_kept(model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="--force"):
        save(model_file.read_bytes(), path, force=False)
    assert path.read_bytes() == b"mine"
    save(model_file.read_bytes(), path, force=True)
    assert path.read_bytes() == model_file.read_bytes()

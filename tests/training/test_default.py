"""The default model: trained once, whoever asks first, wherever it may be kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import filelock
import pytest

from digitsort.training import default
from digitsort.training.datasets import open_datasets
from digitsort.training.default import default_model, default_model_path
from tests.conftest import Link, make_tree
from tests.model.hostile.changes import on_card


def as_default(data: bytes) -> bytes:
    """The same model under the card of the default one."""
    return on_card(data=list(default.DEFAULT_DATA))(data)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_file: Path) -> Path:
    """An empty cache, and a training that takes no time; gives the log of trainings."""
    log = tmp_path / "trainings"
    log.touch()

    class Done:
        data = as_default(model_file.read_bytes())

    def train_default(progress: object) -> Done:
        with log.open("a") as file:
            file.write("trained\n")
        return Done()

    monkeypatch.setenv("DIGITSORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(default, "train_default", train_default)
    return log


def test_it_is_trained_once_and_kept(quick: Path) -> None:
    first, second = default_model(), default_model()
    assert quick.read_text() == "trained\n"
    assert first == second
    left = {p.name for p in default_model_path().parent.iterdir()}
    assert left <= {default_model_path().name, f"{default_model_path().name}.lock"}


def test_a_damaged_one_is_trained_anew(quick: Path) -> None:
    default_model()
    path = default_model_path()
    path.write_bytes(path.read_bytes()[:1000])
    said: list[str] = []
    default_model(warn=said.append)
    assert quick.read_text() == "trained\n" * 2
    assert len(said) == 1
    assert "trained again" in said[0]


def test_a_cache_that_cannot_be_written_means_a_model_in_memory(
    quick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the cache folder would lie below a file, which not even root can make."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("DIGITSORT_CACHE", str(tmp_path / "file" / "cache"))
    said: list[str] = []
    assert default_model(warn=said.append).class_names == tuple("0123456789")
    assert len(said) == 1
    assert "DIGITSORT_CACHE" in said[0]


def test_the_card_of_the_default_model_is_known() -> None:
    assert tuple(dataset.name for dataset in open_datasets(["default"])) == default.DEFAULT_DATA


def test_another_model_in_its_place_is_not_taken(quick: Path, model_file: Path) -> None:
    """Somebody put it there, or unpacked it."""
    make_tree(default_model_path().parent, {default_model_path().name: model_file.read_bytes()})
    default_model_path().chmod(0o600)
    said: list[str] = []
    assert default_model(warn=said.append).card.data == default.DEFAULT_DATA
    assert "contains another model" in said[0]
    assert quick.read_text() == "trained\n"


def test_a_link_in_its_place_is_replaced_and_not_followed(quick: Path, tmp_path: Path) -> None:
    folder, name = default_model_path().parent, default_model_path().name
    make_tree(tmp_path, {"planted.pkl": as_default(quick_model(quick)), "precious": "mine"})
    for target in ("planted.pkl", "precious", "nowhere"):
        make_tree(folder, {name: Link(f"../{target}")})
        said: list[str] = []
        default_model(warn=said.append)
        assert "is a link" in said[0]
        assert not default_model_path().is_symlink()
        default_model_path().unlink()
    assert quick.read_text() == "trained\n" * 4
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def quick_model(quick: Path) -> bytes:
    """The bytes that the quick training gives."""
    default_model()
    data = default_model_path().read_bytes()
    default_model_path().unlink()
    return data


def test_a_planted_temporary_name_is_not_written_through(quick: Path, tmp_path: Path) -> None:
    """The name was made of the process's number, and a link there was followed."""
    (tmp_path / "precious").write_text("mine")
    name = f".{default_model_path().name}.{os.getpid()}.tmp"
    make_tree(default_model_path().parent, {name: Link("../precious")})
    default_model()
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions as POSIX has them")
def test_a_cache_that_others_may_write_to_is_not_used(quick: Path) -> None:
    """Neither what lies there is taken, nor is anything put there; the sentence names the way out."""
    default_model()
    folder = default_model_path().parent
    folder.chmod(0o777)
    before = sorted(folder.iterdir())
    said: list[str] = []
    default_model(warn=said.append)
    assert "other users may write to" in said[0]
    assert "Set DIGITSORT_CACHE to a folder where only you can write" in said[0]
    assert quick.read_text() == "trained\n" * 2
    assert sorted(folder.iterdir()) == before


def test_who_waits_has_no_limit(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run trains for longer than any limit; then its model is taken."""
    waited: list[float] = []

    class Busy(filelock.FileLock):
        def acquire(self, *args: Any, **options: Any) -> Any:
            limit = options.get("timeout", self.timeout)
            waited.append(limit)
            if limit >= 0:
                raise filelock.Timeout(self.lock_file)
            default._replace(default_model_path(), default.train_default(lambda *_: None).data)
            return super().acquire()

    monkeypatch.setattr(filelock, "FileLock", Busy)
    stages: list[str] = []
    default_model(lambda stage, done, total: stages.append(stage))
    assert waited[-1] == -1
    assert stages == ["waiting for another run to train the default model"]
    assert quick.read_text() == "trained\n"


@pytest.mark.slow
def test_two_runs_at_once_train_once(tmp_path: Path) -> None:
    """Real processes, real training: both end well with the same model, no temporary file is left."""
    program = (
        "from digitsort import default_model\n"
        "import digitsort.training.default as d\n"
        "inner = d.train_default\n"
        "d.train_default = lambda p: print('trained') or inner(p)\n"
        "print(default_model().card.fingerprint)\n"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "DIGITSORT_CACHE": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    lines = [run.communicate(timeout=120)[0].split() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum(said.count("trained") for said in lines) == 1
    assert lines[0][-1] == lines[1][-1]
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".tmp"]

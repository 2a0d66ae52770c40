"""The default model: trained once, whoever asks first, wherever it may be kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from digitsort.training import default
from digitsort.training.default import default_model, default_model_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_file: Path) -> Path:
    """An empty cache, and a training that takes no time; gives the log of trainings."""
    log = tmp_path / "trainings"
    log.touch()

    class Done:
        data = model_file.read_bytes()

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
    assert "trained anew" in said[0]


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

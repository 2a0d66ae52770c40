"""A model file can't take time or memory that it does not have itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitsort.errors import ModelError
from digitsort.model.card import fingerprint
from digitsort.model.estimator import DigitClassifier, to_bytes
from digitsort.model.reading import parse_model
from tests.conftest import REPOSITORY
from tests.model.hostile.bombs import BOMBS
from tests.model.hostile.case import good_model

GIB = 2**30


def loaded_apart(paths: list[Path], limit: int) -> dict[str, dict[str, Any]]:
    """What a process under a limit says of each file."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.load_files", str(limit), *map(str, paths)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return {Path(line["path"]).name: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of memory for a process here")
def test_bombs_are_refused_under_a_gib(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each by what it says, whatever it would unpack to; at most its own size is taken."""
    assert len(BOMBS) >= 10
    paths = [tmp_path / "good"]
    paths[0].write_bytes(good_model())
    names = {}
    for number, (name, bomb) in enumerate(BOMBS.items()):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(bomb.make(good_model()))
        names[str(number)] = name
    seen = loaded_apart(paths, GIB)
    assert seen.pop("good")["outcome"] == "loaded"
    with capsys.disabled():
        print(f"\n{len(BOMBS)} bombs under 1 GiB:")
        for key, line in seen.items():
            size = (tmp_path / key).stat().st_size / 2**20
            print(f"  {line['seconds'] * 1e3:5.1f} ms  {size:5.1f} MiB file  {names[key]}")
    for key, line in seen.items():
        assert re.search(BOMBS[names[key]].says, line["outcome"]), names[key]
        own = (tmp_path / key).stat().st_size
        assert line["kib"] * 1024 <= own + 2**22, names[key]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of memory for a process here")
def test_a_file_that_is_too_much_for_the_memory_is_a_message(tmp_path: Path) -> None:
    """A file that passes the limit of size, in a process that has less: no traceback, no signal."""
    good, large = tmp_path / "good", tmp_path / "large"
    good.write_bytes(good_model())
    with large.open("wb") as file:
        file.truncate(250 * 2**20)
    seen = loaded_apart([good, large], 320 * 2**20)
    assert seen["good"]["outcome"] == "loaded"
    assert "There is not enough memory" in seen["large"]["outcome"]


def model_of_classes(count: int) -> bytes:
    """A model file of so many classes, fitted to noise."""
    model = parse_model(good_model())
    noise = np.rint(np.random.default_rng(0).random((2 * count, 392)) * 200).astype(np.float32)
    labels = np.repeat([f"c{number}" for number in range(count)], 2)
    estimator = DigitClassifier(C=model.card.C).fit_features(noise, labels)
    machine, names = estimator.machine(), tuple(map(str, estimator.classes_))
    estimator.temperature_ = model.card.temperature
    card = replace(
        model.card,
        classes=names,
        gamma=machine.gamma,
        support_vectors=len(machine.vectors),
        fingerprint=fingerprint(machine, model.card.recipe, names, model.card.thresholds),
    )
    estimator.card_ = card.to_dict()
    return to_bytes(estimator, noise)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of memory for a process here")
def test_the_most_classes_are_read_in_little_memory(tmp_path: Path) -> None:
    """256 classes make 32,640 contests for each known answer."""
    (tmp_path / "good").write_bytes(good_model())
    (tmp_path / "many").write_bytes(model_of_classes(256))
    seen = loaded_apart([tmp_path / "good", tmp_path / "many"], GIB)
    assert seen["many"]["outcome"] == "loaded"
    assert seen["many"]["kib"] < 400 * 1024


@pytest.mark.slow
def test_a_class_more_is_refused() -> None:
    with pytest.raises(ModelError, match="classes is not what it should be"):
        model_of_classes(257)

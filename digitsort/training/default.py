"""The model that is there when none is named: trained on first use, then kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.errors import ModelError
from digitsort.files.cache import cache_folder
from digitsort.files.leftovers import temporary
from digitsort.model.reading import Model, load_model, parse_model
from digitsort.progress import Progress, silent
from digitsort.recognition.recipe import RECIPE
from digitsort.training.options import TrainingOptions

if TYPE_CHECKING:
    from digitsort.training.fit import Trained

TRAINING_RECIPE = "digits+synthetic/16"
"""Name of how the default model is trained: change it with every change to the data or the options."""

DEFAULT_OPTIONS = TrainingOptions(held_out=0.1)

LOCK_TIMEOUT_S = 120.0
"""Training takes seconds; who waits longer trains a model of its own."""

Warn = Callable[[str], None]


def _say_nothing(message: str) -> None:
    """Warn nobody."""


def default_model(progress: Progress = silent, warn: Warn = _say_nothing) -> Model:
    """Give the default model, training it first where the cache has none.

    Two runs that start at once train it once: the second waits for the first. Where the cache can't be
    used, the reason is told to `warn` and the model stays in memory.
    """
    path = default_model_path()
    if (model := _cached(path, warn)) is not None:
        return model
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _train_locked(path, progress)
    except OSError as error:
        reason = error.strerror or str(error)
        warn(
            f"The default model can't be kept in {path.parent} ({reason}); it is trained anew for this "
            "run. Set DIGITSORT_CACHE to a folder where you may write."
        )
        return parse_model(train_default(progress).data)


def default_model_path() -> Path:
    """Where the default model of this version is kept."""
    recipe = hashlib.sha256(f"{RECIPE} {TRAINING_RECIPE}".encode()).hexdigest()[:12]
    return cache_folder() / f"default-{recipe}.pkl"


def train_default(progress: Progress = silent) -> Trained:
    """Train the default model, from nothing but what comes with the installation."""
    from digitsort.training.datasets import open_datasets
    from digitsort.training.fit import train

    progress("load digits", 0, None)
    return train(open_datasets(["default"]), DEFAULT_OPTIONS, progress)


def _cached(path: Path, warn: Warn) -> Model | None:
    if not path.exists():
        return None
    try:
        return load_model(path)
    except ModelError as error:
        warn(f"{error} The default model is trained anew.")
        return None


def _train_locked(path: Path, progress: Progress) -> Model:
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{path}.lock", timeout=LOCK_TIMEOUT_S):
            # Somebody else may have trained it while this run waited.
            if (model := _cached(path, _say_nothing)) is not None:
                return model
            data = train_default(progress).data
            _replace(path, data)
            return parse_model(data)
    except Timeout as error:
        raise OSError(f"another run has held {path}.lock for {LOCK_TIMEOUT_S:.0f} s") from error


def _replace(path: Path, data: bytes) -> None:
    with temporary(lambda: path.with_name(f".{path.name}.{os.getpid()}.tmp")) as new:
        new.write_bytes(data)
        new.replace(path)

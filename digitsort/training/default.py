"""The model that is there when none is named: trained on first use, then kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.errors import ModelError
from digitsort.files.cache import (
    CACHE_REMEDY,
    cache_folder,
    is_private_file,
    private_cache_folder,
)
from digitsort.files.leftovers import temporary
from digitsort.model.card import Card
from digitsort.model.reading import Model, load_model, parse_model
from digitsort.progress import Progress, silent
from digitsort.recognition.recipe import RECIPE
from digitsort.training.options import TrainingOptions

if TYPE_CHECKING:
    from digitsort.training.fit import Trained

TRAINING_RECIPE = "digits+synthetic/16"
"""Name of how the default model is trained: change it with every change to the data or the options."""

DEFAULT_OPTIONS = TrainingOptions(held_out=0.1)

DEFAULT_DATA = ("digits", "synthetic:2000")
DEFAULT_CLASSES = tuple("0123456789")
"""What the card of the default model says, so that another model is not taken for it."""

Warn = Callable[[str], None]


def _say_nothing(message: str) -> None:
    """Warn nobody."""


def default_model(progress: Progress = silent, warn: Warn = _say_nothing) -> Model:
    """Give the default model, training it first where the cache has none.

    Of runs that start at once, one trains it and the others wait for that one. Where the cache can't be
    used, or is not the user's own, the reason is told to `warn` and the model stays in memory.
    """
    try:
        path = private_cache_folder() / default_model_path().name
        model = _cached(path, warn)
        return model or _train_locked(path, progress)
    except OSError as error:
        reason = error.strerror or str(error)
        warn(
            f"The default model can't be saved in {cache_folder()} ({reason}). It is trained for this "
            f"run only. {CACHE_REMEDY}"
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
    """The model that an earlier run kept, if it is there and is what this digitsort would train."""
    try:
        if not is_private_file(path):
            warn(f"{path} is a link or another user's file. It is replaced by a new default model.")
            return None
        model = load_model(path)
    except FileNotFoundError:
        return None
    except ModelError as error:
        warn(f"{error} The default model is trained again.")
        return None
    if not _is_default(model.card):
        warn(f"{path} contains another model. It is replaced by a new default model.")
        return None
    return model


def _is_default(card: Card) -> bool:
    found = card.data, card.classes, card.seed
    return found == (DEFAULT_DATA, DEFAULT_CLASSES, DEFAULT_OPTIONS.seed)


def _train_locked(path: Path, progress: Progress) -> Model:
    with _lock(f"{path}.lock", progress):
        # Somebody else may have trained it while this run waited.
        if (model := _cached(path, _say_nothing)) is not None:
            return model
        data = train_default(progress).data
        _replace(path, data)
        return parse_model(data)


@contextmanager
def _lock(name: str, progress: Progress) -> Iterator[None]:
    """Hold a lock, waiting for whoever has it; the system frees it when that process ends."""
    from filelock import FileLock, Timeout

    lock = FileLock(name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress("waiting for another run to train the default model", 0, None)
        lock.acquire(timeout=-1)
    try:
        yield
    finally:
        lock.release()


def _replace(path: Path, data: bytes) -> None:
    """Give the file its content at once; a link under its name goes, what it leads to stays."""
    with temporary(lambda: path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")) as new:
        new.touch(0o600, exist_ok=False)
        new.write_bytes(data)
        new.replace(path)

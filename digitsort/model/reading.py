"""Read a model file: its arrays are copied out, and its code never runs.

No other module reads model files. The pickle is taken apart and put together as inert data
(`inert_pickle`); arrays are copied out of that and checked (`checking`, `card`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitsort.errors import REMEDY, ModelError, require
from digitsort.files.names import printable
from digitsort.files.regular import NotRegularError, TooLargeError, read_regular
from digitsort.model.card import Card, fingerprint
from digitsort.model.checking import (
    CLASSIFIER_ATTRIBUTES,
    LIKENESS_ATTRIBUTE,
    check_attributes,
    check_classifier,
    check_known_answers,
    check_likeness,
    check_machine,
    check_projection,
    take_state,
)
from digitsort.model.inert_pickle import MOST_BYTES, Global, Requested, assemble, scan
from digitsort.recognition.score import RECIPE, SupportVectors, score
from digitsort.workers.tuning import one_blas_thread

_NO_MEMORY = "Model {} refused. There is not enough memory to read it."

TOLERANCE = 1e-3
"""Largest difference between the margins on two computers; margins are about 1."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A model as plain arrays.

    Attributes
    ----------
    machine : SupportVectors
    card : Card
    known_vectors : ndarray of shape (m, d), float32
    known_margins : ndarray of shape (m, k), float64
        Margins that the model gave the known vectors when it was made.
    """

    machine: SupportVectors
    card: Card
    known_vectors: npt.NDArray[np.float32]
    known_margins: npt.NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.card == other.card

    def __hash__(self) -> int:
        return hash(self.card.fingerprint)

    def __repr__(self) -> str:
        return f"<Model {self.card.fingerprint}, classes {' '.join(self.class_names)[:60]}>"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, in the machine's order."""
        return self.card.classes


def load_model(path: str | Path) -> Model:
    """Read a model file without running anything that is in it.

    Raises
    ------
    ModelError
        If there is no such file, it is not a model that `digitsort train` wrote, it is not what its
        fingerprint says, or it does not give the answers that it gave when it was made.
    """
    name = printable(str(path))
    data = _read(Path(path), name)
    try:
        with one_blas_thread():  # the known answers are few
            return _parse(data, name)
    except MemoryError as error:
        raise ModelError(_NO_MEMORY.format(name)) from error


def _parse(data: bytes, name: str) -> Model:
    try:
        return parse_model(data)
    except ModelError as error:
        raise ModelError(f"Model {name} refused. {error}") from error


def _read(path: Path, name: str) -> bytes:
    try:
        return read_regular(path, MOST_BYTES)
    except TooLargeError as error:
        raise ModelError(
            f"Model {name} refused. It is larger than {MOST_BYTES >> 20} MiB. {REMEDY}"
        ) from error
    except NotRegularError as error:
        raise ModelError(
            f"Model {name} refused. It is a folder, pipe or device, no file. {REMEDY}"
        ) from error
    except MemoryError as error:
        raise ModelError(_NO_MEMORY.format(name)) from error
    except OSError as error:
        raise ModelError(f"Model {name} can't be read: {error.strerror}. {REMEDY}") from error


def parse_model(data: bytes) -> Model:
    """Read the bytes of a model file; raises ModelError for anything that is none."""
    root = assemble(scan(data))
    bare = type(root) is Requested and root.of is Global.SVC
    require(not bare, "It is a bare scikit-learn SVC, which does not say how its images were prepared")
    state = take_state(root, Global.CLASSIFIER, "DigitClassifier")
    extra = {LIKENESS_ATTRIBUTE} & state.keys()  # most models have none
    check_attributes(state, CLASSIFIER_ATTRIBUTES | extra, "DigitClassifier")
    card = Card.from_dict(state["card_"])
    found = printable(card.recipe)
    require(card.recipe == RECIPE, f"It was made for the recipe {found}, this digitsort has {RECIPE}")
    check_classifier(state, card)
    projection = check_projection(state)
    likeness = check_likeness(state[LIKENESS_ATTRIBUTE], card, projection.shape[1]) if extra else None
    svc = take_state(state["svc_"], Global.SVC, "SVC")
    machine = replace(check_machine(svc, card, projection), likeness=likeness)
    model = Model(machine, card, *check_known_answers(state, len(card.classes)))
    verify_model(model)
    return model


def verify_model(model: Model) -> None:
    """Raise ModelError unless the model has its fingerprint and gives its known answers."""
    card = model.card
    mark = fingerprint(model.machine, card.recipe, card.classes, card.thresholds)
    require(mark == card.fingerprint, "The model is not what its fingerprint says")
    margins = score(model.known_vectors, model.machine).margin
    same = np.allclose(margins, model.known_margins, rtol=0, atol=TOLERANCE)
    require(same, "It does not give the answers that it gave when it was made")


DEFAULT_FILE = "default.pkl"
"""File name of the default model in digitsort/model; `digitsort train -d release` makes it."""


def default_model() -> Model:
    """Read the default model, which comes with the installation."""
    with as_file(files("digitsort.model").joinpath(DEFAULT_FILE)) as path:
        return load_model(path)

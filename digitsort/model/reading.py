"""The one door through which a model file comes in: its arrays are read, its code never runs.

The pickle's globals become inert stubs by their exact names; nothing that the file names is imported or
called, and the arrays are copied out of the stubs and checked.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digitsort.errors import ModelError
from digitsort.files.names import printable
from digitsort.model.card import Card, fingerprint
from digitsort.recognition.features import FEATURE_COUNT
from digitsort.recognition.project import LONGEST_COLUMN
from digitsort.recognition.score import SupportVectors, score
from digitsort.recognition.vectorize import RECIPE

MOST_BYTES = 256 * 2**20
MOST_OPCODES = 10_000
MOST_VECTORS = 200_000
MOST_CLASSES = 256
LONGEST_VECTOR = 4096
"""Scalar products of longer vectors would not be exact in float32."""

_REMEDY = "Make a model with `digitsort train -o model.pkl`."

_OPCODES = frozenset(
    """
    PROTO FRAME STOP MARK MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT SETITEM SETITEMS EMPTY_LIST APPEND APPENDS
    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT SHORT_BINUNICODE BINUNICODE
    SHORT_BINBYTES BINBYTES BINBYTES8 STACK_GLOBAL NEWOBJ REDUCE BUILD
    """.split()
)

_DTYPES = {"f8": "<f8", "i4": "<i4", "i8": "<i8", "u2": "<u2", "f4": "<f4"}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model as plain arrays.

    Attributes
    ----------
    machine : SupportVectors
    card : Card
    known_vectors : ndarray of shape (m, d), float32
    known_margins : ndarray of shape (m, k), float64
        What the model answered to the known vectors when it was made.
    """

    machine: SupportVectors
    card: Card
    known_vectors: npt.NDArray[np.float32]
    known_margins: npt.NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.card == other.card

    def __hash__(self) -> int:
        return hash(self.card.fingerprint)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the machine's order."""
        return self.card.classes


def load_model(path: str | Path) -> Model:
    """Read a model file without running anything that is in it.

    Raises
    ------
    ModelError
        If there is no such file, or it is not a model that `digitsort train` wrote.
    """
    name = printable(str(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ModelError(f"Model {name} can't be read: {error.strerror}. {_REMEDY}") from error
    try:
        return parse_model(data)
    except ModelError as error:
        raise ModelError(f"Model {name} refused. {error}") from error


def parse_model(data: bytes) -> Model:
    """Read the bytes of a model file; raises ModelError for anything that is none."""
    _scan(data)
    root = _unpickle(data)
    if _is(root, ("sklearn.svm._classes", "SVC")):
        raise ModelError(
            "It is a bare scikit-learn SVC, which does not say how its images were prepared. " + _REMEDY
        )
    state = _state(root, ("digitsort", "DigitClassifier"))
    card = Card.from_dict(state.get("card_"))
    if card.recipe != RECIPE:
        raise ModelError(f"It was made for the recipe {card.recipe}, not {RECIPE}. {_REMEDY}")
    projection = _projection(state.get("projection_"))
    machine = _machine(_state(state.get("svc_"), ("sklearn.svm._classes", "SVC")), card, projection)
    known = _array(state.get("known_vectors_"), "known_vectors_", (None, FEATURE_COUNT))
    margins = _array(state.get("known_margins_"), "known_margins_", (len(known), len(card.classes)))
    return Model(machine, card, known.astype(np.float32), margins)


def verify_model(model: Model) -> None:
    """Raise ModelError unless the model has its fingerprint and gives its known answers."""
    card = model.card
    if fingerprint(model.machine, card.recipe, card.classes, card.thresholds) != card.fingerprint:
        raise ModelError(f"The model is not what its fingerprint says. {_REMEDY}")
    margins = score(model.known_vectors, model.machine).margin
    if not np.allclose(margins, model.known_margins, rtol=0, atol=1e-3):
        raise ModelError(f"The model does not give the answers that it gave when made. {_REMEDY}")


def _scan(data: bytes) -> None:
    """Look at the opcodes before anything acts on them."""
    if len(data) > MOST_BYTES:
        raise ModelError(f"It is larger than {MOST_BYTES >> 20} MiB. {_REMEDY}")
    end = count = 0
    try:
        for opcode, _, position in pickletools.genops(data):
            count += 1
            if opcode.name not in _OPCODES:
                raise ModelError(f"It holds the pickle opcode {opcode.name}, no model does. {_REMEDY}")
            if count > MOST_OPCODES:
                raise ModelError(f"It holds more than {MOST_OPCODES} opcodes, no model does. {_REMEDY}")
            end = position or 0
    except ValueError as error:
        raise ModelError(f"It is no pickle, or damaged. {_REMEDY}") from error
    if end != len(data) - 1:
        raise ModelError(f"Something follows the end of the model. {_REMEDY}")


class _Stub:
    """Stands for whatever the file names: keeps what it is given and does nothing."""

    name: tuple[str, str] = ("", "")

    def __new__(cls, *args: Any) -> _Stub:
        stub = object.__new__(cls)
        stub.args = args
        stub.state = None
        return stub

    args: tuple[Any, ...]
    state: Any

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _stub_for(module: str, name: str) -> type[_Stub]:
    return type("Stub", (_Stub,), {"name": (module, name)})


_NAMES = (
    ("digitsort", "DigitClassifier"),
    ("sklearn.svm._classes", "SVC"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
)

_STUBS = {name: _stub_for(*name) for name in _NAMES}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_Stub]:
        # numpy 2 moved numpy.core to numpy._core
        known = (
            ("numpy.core" + module[len("numpy._core") :])
            if module.startswith("numpy._core")
            else module
        )
        try:
            return _STUBS[known, name]
        except KeyError as error:
            raise ModelError(
                f"It names {printable(f'{module}.{name}')}, which no model does. {_REMEDY}"
            ) from error


def _unpickle(data: bytes) -> Any:
    try:
        return _Reader(io.BytesIO(data)).load()
    except ModelError:
        raise
    except Exception as error:  # a damaged stream makes the unpickler raise nearly anything
        raise ModelError(f"It is a damaged pickle ({type(error).__name__}). {_REMEDY}") from error


def _is(value: Any, name: tuple[str, str]) -> bool:
    return type(value) is _STUBS[name]


def _state(value: Any, name: tuple[str, str]) -> dict[str, Any]:
    if not _is(value, name) or type(value.state) is not dict:
        raise ModelError(f"It holds no {name[1]} where a model has one. {_REMEDY}")
    state: dict[str, Any] = value.state
    return state


def _projection(value: Any) -> npt.NDArray[np.float32]:
    """Copy the projection (d, m) out; whole numbers in short enough columns."""
    projection = _array(value, "projection_", (FEATURE_COUNT, None))
    m = projection.shape[1]
    _require(1 <= m <= FEATURE_COUNT, "the projection has an impossible number of components")
    _require(bool((projection == np.rint(projection)).all()), "the projection is not of whole numbers")
    lengths = (projection.astype(np.float64) ** 2).sum(axis=0)
    _require(float(lengths.max()) <= LONGEST_COLUMN**2, "a column of the projection is too long")
    return projection.astype(np.float32)


def _machine(svc: dict[str, Any], card: Card, projection: npt.NDArray[np.float32]) -> SupportVectors:
    """Copy the SVC's arrays out and check how they fit together."""
    k = len(card.classes)
    _require(k <= MOST_CLASSES, "too many classes")
    _require(svc.get("kernel") == "rbf", "its kernel is not rbf")
    _require(svc.get("_sparse") is False, "it is sparse")
    classes = _array(svc.get("classes_"), "classes_", (k,))
    _require(bool((classes == np.arange(k)).all()), "classes_ are not 0 … k-1")
    n_support = _array(svc.get("_n_support"), "_n_support", (k,)).astype(np.int64)
    n = int(n_support.sum())
    _require(bool((n_support >= 0).all()) and 1 <= n <= MOST_VECTORS, "n_support is impossible")
    vectors = _array(svc.get("support_vectors_"), "support_vectors_", (n, projection.shape[1]))
    _require(bool((vectors == np.rint(vectors)).all()), "vectors not whole")
    _require(float((vectors**2).sum(axis=1).max()) < LONGEST_VECTOR**2, "a vector is too long")
    dual_coef = _array(svc.get("dual_coef_"), "dual_coef_", (k - 1, n))
    intercept = _array(svc.get("intercept_"), "intercept_", (k * (k - 1) // 2,))
    sign = -1 if k == 2 else 1  # libsvm's own sign, which scikit-learn turns for two classes
    inner_dual = _array(svc.get("_dual_coef_"), "_dual_coef_", dual_coef.shape)
    inner_intercept = _array(svc.get("_intercept_"), "_intercept_", intercept.shape)
    two_faced = (sign * inner_dual != dual_coef).any() or (sign * inner_intercept != intercept).any()
    _require(not two_faced, "its two sets of coefficients differ")
    gamma = _number(svc.get("_gamma"))
    _require(math.isfinite(gamma) and gamma > 0, "gamma is not positive")
    return SupportVectors(
        vectors.astype(np.float32), n_support, dual_coef, intercept, gamma, projection
    )


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ModelError(f"Its numbers don't fit together: {what}. {_REMEDY}")


def _array(value: Any, name: str, shape: tuple[int | None, ...]) -> npt.NDArray[Any]:
    """Copy a finite array of the given shape (None: any length) out of its stub."""
    if not (_is(value, ("numpy.core.multiarray", "_reconstruct")) and type(value.state) is tuple):
        raise ModelError(f"{name} is no array. {_REMEDY}")
    if len(value.state) != 5:
        raise ModelError(f"{name} is no array. {_REMEDY}")
    _, actual, dtype, is_fortran, data = value.state
    fits = type(actual) is tuple and len(actual) == len(shape)
    fits = fits and all(type(a) is int and a >= 0 for a in actual)
    if not fits or any(s is not None and a != s for a, s in zip(actual, shape, strict=True)):
        raise ModelError(f"{name} does not have the shape that it should. {_REMEDY}")
    kind = np.dtype(_dtype(dtype, name))
    if type(data) is not bytes or len(data) != math.prod(actual) * kind.itemsize:
        raise ModelError(f"{name} is not as long as it says. {_REMEDY}")
    order: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    order = (
        (lambda a: a.reshape(actual[::-1]).T) if is_fortran is True else (lambda a: a.reshape(actual))
    )
    array = np.array(order(np.frombuffer(data, kind)), order="C")
    if not np.isfinite(array).all():
        raise ModelError(f"{name} holds numbers that are none. {_REMEDY}")
    return array


def _dtype(value: Any, name: str) -> str:
    """One of a few little-endian types, by its exact name."""
    if _is(value, ("numpy", "dtype")) and value.args and type(value.state) is tuple:
        code = value.args[0]
        if type(code) is str and code in _DTYPES and value.state[1:2] == ("<",):
            return _DTYPES[code]
    raise ModelError(f"{name} is of a type that no model has. {_REMEDY}")


def _number(value: Any) -> float:
    """A float, also where numpy pickled it as a scalar of its own."""
    if type(value) is float:
        return value
    if _is(value, ("numpy.core.multiarray", "scalar")) and len(value.args) == 2:
        dtype, data = value.args
        if _dtype(dtype, "gamma") == "<f8" and type(data) is bytes and len(data) == 8:
            return float(np.frombuffer(data, "<f8")[0])
    raise ModelError(f"gamma is no number. {_REMEDY}")

"""Good models with other contents."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.model.hostile.assembler import text, unframed
from tests.model.hostile.case import Change


class Raw:
    """Pickles as a call with a state, whatever they are."""

    def __init__(self, function: Any, arguments: Any, state: Any) -> None:
        self.parts = (function, arguments, state)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.parts


def changed(good: bytes, change: Callable[[Any], object]) -> bytes:
    """Unpickle a good model, change the estimator, pickle it again."""
    estimator = pickle.loads(good)
    change(estimator)
    return pickle.dumps(estimator, 4)


def on_svc(**values: Any) -> Change:
    """With other attributes of the SVC."""
    return lambda good: changed(good, lambda m: m.svc_.__dict__.update(values))


def on_classifier(**values: Any) -> Change:
    """With other attributes of the classifier."""
    return lambda good: changed(good, lambda m: m.__dict__.update(values))


def on_card(**values: Any) -> Change:
    """With other entries of the card."""
    return lambda good: changed(good, lambda m: m.card_.update(values))


def mapped(name: str, function: Callable[[Any], Any]) -> Change:
    """With an attribute of the SVC, or of the classifier, put through a function."""

    def change(model: Any) -> None:
        owner = model.svc_ if name in model.svc_.__dict__ and name != "classes_" else model
        owner.__dict__[name] = function(owner.__dict__[name])

    return lambda good: changed(good, change)


def both(name: str, function: Callable[[Any], Any]) -> Change:
    """With both of scikit-learn's sets of coefficients put through a function."""
    return lambda good: mapped(f"_{name}", function)(mapped(name, function)(good))


def raw_dtype(code: Any, state: Any = (3, "<", None, None, None, -1, -1, 0), flags: Any = None) -> Raw:
    """A dtype pickled by hand."""
    return Raw(np.dtype, (code, *(flags or (False, True))), state)


def raw_array(array: Any, **parts: Any) -> Raw:
    """An array pickled by hand, with parts of its state as they should not be."""
    array = np.asarray(array)
    own = {"version": 1, "shape": array.shape, "dtype": array.dtype, "fortran": False}
    own = {**own, "data": array.tobytes(), **parts}
    arguments = own.pop("arguments", (np.ndarray, (0,), b"b"))
    function = own.pop("function", _reconstruct())
    return Raw(function, arguments, own.pop("state", tuple(own.values())))


def _reconstruct() -> Any:
    return np.zeros(1).__reduce__()[0]


def rawly(name: str, **parts: Any) -> Change:
    """With an array pickled by hand."""
    return mapped(name, lambda array: raw_array(array, **parts))


def inside(ops: bytes) -> Change:
    """A good model with a further attribute that these opcodes make."""

    def make(good: bytes) -> bytes:
        marker = "put it here"
        data = unframed(changed(good, lambda model: setattr(model, "extra_", marker)))
        assert data.count(text(marker)) == 1
        return data.replace(text(marker), ops)

    return make

"""A hostile file, and the good ones that it is made of."""

from __future__ import annotations

import pickle
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from digitsort.training.fit import train
from tests.training.test_fit import some

Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Hostile:
    """How to make a file of a good model's, and what its refusal says (a regular expression)."""

    make: Change
    says: str


@cache
def good_model() -> bytes:
    """A model file of three classes and some twenty support vectors."""
    return train([some({"0": 10, "1": 10, "4": 10})]).data


@cache
def good_pair() -> bytes:
    """A model file of two classes: scikit-learn turns its sign."""
    return train([some({"0": 10, "1": 10})]).data


HEAD = b"\x80\x04"


def text(value: str) -> bytes:
    """Opcodes that push a text."""
    data = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + u4(len(data)) + data


def named(module: str, name: str) -> bytes:
    """Opcodes that push what a module holds."""
    return text(module) + text(name) + b"\x93"


def call(module: str, name: str, *arguments: str) -> bytes:
    """Opcodes that call what a module holds with texts."""
    return named(module, name) + b"(" + b"".join(map(text, arguments)) + b"tR"


def u4(number: int) -> bytes:
    """A length of four bytes."""
    return struct.pack("<I", number)


def whole(ops: bytes) -> Change:
    """A file of nothing but these opcodes."""
    return lambda _: HEAD + ops + b"."


def doubled(times: int) -> bytes:
    """Opcodes that turn the top of the stack, memoized as 0, into a pair of it and so on."""
    return b"".join(b"h" + bytes([n]) + b"\x86\x94" for n in range(times))


def unframed(data: bytes) -> bytes:
    """The same pickle without the opcodes that tell how much to read ahead."""
    places = [at for opcode, _, at in pickletools.genops(data) if opcode.name == "FRAME"]
    starts = [0, *(at + 9 for at in places if at is not None)]
    return b"".join(data[a:b] for a, b in zip(starts, [*places, len(data)], strict=True))


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

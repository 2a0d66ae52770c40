"""Mutants of a model file that know its structure: every field of it, changed in every way we know."""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from digitsort.model.inert_pickle import GLOBALS, Global, Requested, assemble, scan
from tests.model.hostile.case import HEAD, text, u4, unframed

Path = tuple[Any, ...]
"""Keys, places, and for what is made "arguments" and "state", from the root of a model inwards."""


class Raw(bytes):
    """Opcodes that are put into a pickle as they are."""


def read_tree(data: bytes) -> Any:
    """A model file as inert data, as digitsort's reader sees it."""
    return assemble(scan(data))


def emit(tree: Any) -> bytes:
    """Write inert data as a pickle again."""
    return HEAD + _opcodes(tree) + b"."


def fields(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in a tree, with its path; the tree itself comes first."""
    yield path, tree
    for key, value in _parts(tree):
        yield from fields(value, (*path, key))


def replaced(tree: Any, path: Path, value: Any) -> Any:
    """The tree with another value at a path."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(tree, Requested):
        parts: dict[str, Any] = {"arguments": tree.arguments, "state": tree.state}
        parts[key] = replaced(parts[key], rest, value)
        return Requested(tree.of, parts["arguments"], parts["state"])
    if isinstance(tree, dict):
        return {k: replaced(v, rest, value) if k == key else v for k, v in tree.items()}
    changed = [replaced(v, rest, value) if i == key else v for i, v in enumerate(tree)]
    return type(tree)(changed)


def mutants(tree: Any) -> Iterator[tuple[Path, Any]]:
    """Every field of a model with everything that is put in its place."""
    for path, value in fields(tree):
        for other in substitutes(value):
            yield path, other


def substitutes(value: Any) -> list[Any]:
    """What is put in a value's place: other types, lengths, orders and numbers."""
    others: list[Any] = [None, True, False, 0, -1, 0.5, "x", b"x", (), [], {}, *OBJECTS]
    make = _OTHERS.get(type(value))
    return others if make is None else [*others, *make(value)]


def _parts(tree: Any) -> list[tuple[Any, Any]]:
    if isinstance(tree, Requested):
        return [("arguments", tree.arguments), ("state", tree.state)]
    if isinstance(tree, dict):
        return list(tree.items())
    return list(enumerate(tree)) if isinstance(tree, tuple | list) else []


# --- writing ----------------------------------------------------------------------------------------

_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_NAMES = {of: name for name, of in GLOBALS.items() if name[0] in ("numpy", _RECONSTRUCT.__module__)}
_NAMES |= {of: name for name, of in GLOBALS.items() if of in (Global.CLASSIFIER, Global.SVC)}


def _opcodes(value: Any) -> bytes:
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, Global):
        module, name = _NAMES[value]
        return text(module) + text(name) + b"\x93"
    if isinstance(value, Requested):
        is_object = value.of in (Global.CLASSIFIER, Global.SVC)
        made = _opcodes(value.of) + _opcodes(value.arguments) + (b"\x81" if is_object else b"R")
        return made if value.state is None else made + _opcodes(value.state) + b"b"
    return bytes(_PLAIN[type(value)](value))


def _integer(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def _all(values: Any) -> bytes:
    return b"".join(map(_opcodes, values))


_PLAIN: dict[type, Any] = {
    type(None): lambda _: b"N",
    bool: lambda value: b"\x88" if value else b"\x89",
    int: _integer,
    float: lambda value: b"G" + struct.pack(">d", value),
    str: text,
    bytes: lambda value: b"B" + u4(len(value)) + value,
    memoryview: lambda value: b"B" + u4(len(value)) + bytes(value),
    tuple: lambda value: b"(" + _all(value) + b"t",
    list: lambda value: b"](" + _all(value) + b"e",
    dict: lambda value: b"}(" + b"".join(text(k) + _opcodes(v) for k, v in value.items()) + b"u",
}


# --- what is put in a value's place -----------------------------------------------------------------


def _pickled(value: Any) -> Raw:
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 4)
    pickler.fast = True  # without a memo, so that the opcodes mean the same anywhere
    pickler.dump(value)
    return Raw(unframed(file.getvalue())[2:-1])


def _object_scalar(value: Any) -> Raw:
    """What numpy pickles for a scalar of objects: `scalar` gives the object itself back."""
    scalar = np.float64(1).__reduce__()[0]
    return Raw(_pickled(scalar) + b"(" + _pickled(np.dtype("O")) + _opcodes(value) + b"tR")


_RECORD = np.zeros(3, [("a", "f8"), ("b", "i4")])

OBJECTS = [
    _object_scalar([1.0, 2.0]),
    _object_scalar(7),
    _pickled(np.array([1.0, None], object)),
    _pickled(_RECORD),
    _pickled(np.float64(0.5)),
    _pickled(np.int64(3)),
    _pickled(np.zeros(0)),
]
"""What no field of a model is, or only some are."""


def _other_arrays(value: Requested) -> list[Any]:
    """An array in other types, orders, lengths and shapes; each whole, as numpy would pickle it."""
    if value.of is not Global.RECONSTRUCT:
        return [Requested(value.of, (), value.state), Requested(value.of, value.arguments, None)]
    array = pickle.loads(emit(value))
    found = [array.astype(form) for form in _castable(array)]
    found += [array[:-1], array[:0], array[::-1].copy(), array.ravel(), array[None], array.T.copy()]
    found += [np.asfortranarray(array), np.concatenate([array, array[:1]]), np.roll(array, 1)]
    found += [np.concatenate([array, array]), np.atleast_3d(array), array.reshape(-1, 1)]
    if array.dtype.kind in "fiu" and array.size:
        found += [_with_first(array, number) for number in _numbers(array)]
    return [_pickled(other) for other in found] + [_object_scalar(1), _object_scalar([])]


def _castable(array: Any) -> list[str]:
    numbers = ["O", "U8", ">f8", ">i4", "f8", "f4", "f2", "i8", "i4", "u4", "u2", "c16", "?", "V16"]
    return numbers if array.dtype.kind in "fiu" else ["O", "U8", ">U4", "S4", "U64"]


def _numbers(array: Any) -> list[float]:
    if array.dtype.kind == "f":
        return [0.0, -1.0, 1e308, np.nan, np.inf, float(array.flat[0]) * 1.001 + 1e-3]
    limits = np.iinfo(array.dtype)
    return [0, 1, limits.min, limits.max, int(array.flat[-1])]


def _with_first(array: Any, number: float) -> Any:
    changed = array.copy()
    with np.errstate(all="ignore"):
        changed.flat[0] = number
    return changed


def _other_bytes(value: memoryview) -> list[Any]:
    data = bytes(value)
    eight = [b"\xff" * 8, b"\xff\xff\xff\x7f" * 2, b"\0" * 8, struct.pack("<d", np.nan)]
    found = [data[:-1], data[:-8], data + b"\0", data + data[:8], data[::-1]]
    found += [pattern[: len(data)] + data[8:] for pattern in eight]
    return [*found, data.decode("latin-1")[:200], list(data[:9]), data + bytes(2**16)]


def _other_dicts(value: dict[str, Any]) -> list[Any]:
    found: list[Any] = [{k: v for k, v in value.items() if k != left} for left in value]
    found += [{k.upper() if k == name else k: v for k, v in value.items()} for name in value]
    return [*found, {**value, "extra_": 1}, {**value, "extra_": OBJECTS[0]}, list(value.items())]


def _other_sequences(value: Any) -> list[Any]:
    longer, shorter = (*value, *value[:1]), (*value[:-1],)
    other = list if isinstance(value, tuple) else tuple
    found = [type(value)(longer), type(value)(shorter), type(value)(value[::-1]), other(value)]
    return [*found, type(value)((*value, None))]


_OTHERS: dict[type, Any] = {
    Requested: _other_arrays,
    memoryview: _other_bytes,
    dict: _other_dicts,
    tuple: _other_sequences,
    list: _other_sequences,
    Global: lambda value: [of for of in Global if of is not value],
    bool: lambda value: [not value, int(value), str(value)],
    int: lambda v: [v + 1, v - 1, -v, 2 * v, 2**31 - 1, 2**31, 2**62, -(2**31), float(v), str(v)],
    float: lambda v: [
        *(
            v * 2,
            v * 1.001,
            -v,
            float(np.nextafter(v, 9)),
            0.0,
            1e-300,
            1e300,
            float("nan"),
            float("inf"),
        ),
        *(int(v), str(v), _pickled(np.float64(v)), _pickled(np.float32(v))),
    ],
    str: lambda v: [
        "",
        v + "x",
        v[:-1],
        v.swapcase(),
        v + "\0",
        v.encode(),
        "x" * 1025,
        "1.5.2",
        "1.9",
    ],
}

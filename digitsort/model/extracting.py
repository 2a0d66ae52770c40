"""Take numbers, texts and arrays out of inert data, by exact types."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence, Set

import numpy as np
import numpy.typing as npt

from digitsort.errors import require
from digitsort.files.names import printable
from digitsort.model.assembling import Global, Requested
from digitsort.model.card import LONGEST_CLASS_NAME

_NUMBER_STATE = (3, "<", None, None, None, -1, -1, 0)
"""State of a little-endian number type as numpy pickles it: version, byte order, and no structure."""

_FORMS = {"f8": "<f8", "f4": "<f4", "i4": "<i4", "i8": "<i8", "u2": "<u2"}


def take_state(value: object, of: Global, name: str) -> dict[str, object]:
    """Return the attributes of an object of a class, by name."""
    require(type(value) is Requested and value.of is of, f"It holds no {name} where a model has one")
    state = value.state  # type: ignore[attr-defined]
    require(type(state) is dict, f"Its {name} has no attributes")
    return state  # type: ignore[no-any-return]


def check_attributes(state: dict[str, object], names: Set[str], name: str) -> None:
    """Raise ModelError unless an object has exactly these attributes."""
    missing, unknown = sorted(names - state.keys()), sorted(state.keys() - names)
    require(not missing, f"Its {name} has no attribute {', '.join(missing)}")
    shown = printable(", ".join(unknown)[:80])
    require(not unknown, f"Its {name} has an attribute {shown}, which no model has")


def is_exactly(value: object, expected: object) -> bool:
    """Tell whether a value is this plain scalar or tuple, types included: 1 is not True."""
    if type(value) is not type(expected):
        return False
    if type(value) is tuple and type(expected) is tuple:
        return len(value) == len(expected) and all(map(is_exactly, value, expected))
    return value == expected


def take_float(value: object, name: str) -> float:
    """Return a finite float, also if numpy pickled it as one of its scalars."""
    number = value if type(value) is float else _numpy_float(value, name)
    require(math.isfinite(number), f"{name} is no finite number")
    return number


def _numpy_float(value: object, name: str) -> float:
    require(type(value) is Requested and value.of is Global.SCALAR, f"{name} is no number")
    arguments = value.arguments  # type: ignore[attr-defined]
    require(len(arguments) == 2 and value.state is None, f"{name} is no number")  # type: ignore[attr-defined]
    form, data = arguments
    _check_form(form, name, ("f8",))
    require(type(data) is memoryview and len(data) == 8, f"{name} is not as long as it says")
    return float(np.frombuffer(data, "<f8")[0])


def take_array(
    value: object, name: str, shape: Sequence[int | None], forms: Sequence[str] = ("f8",)
) -> npt.NDArray[np.generic]:
    """Copy a finite array out.

    Parameters
    ----------
    value : object
    name : str
        For the message.
    shape : sequence of int or None
        None: any length.
    forms : sequence of str
        Types that it may be of: f8, f4, i4, i8, u2.

    Returns
    -------
    ndarray
        C-ordered.
    """
    array = np.array(view_array(value, name, shape, forms))
    require(bool(np.isfinite(array).all()), f"{name} holds numbers that are none")
    return array


def view_array(
    value: object, name: str, shape: Sequence[int | None], forms: Sequence[str] = ("f8",)
) -> npt.NDArray[np.generic]:
    """Return an array as a read-only view of the file; its numbers are not checked."""
    actual, form, data = _array_state(value, name)
    _check_shape(actual, name, shape)
    code = _check_form(form, name, forms)
    return _flat(data, np.dtype(_FORMS[code]), actual, name).reshape(actual)


def take_texts(value: object, name: str, count: int) -> tuple[str, ...]:
    """Return the texts of a one-dimensional array of numpy's text type."""
    actual, form, data = _array_state(value, name)
    _check_shape(actual, name, (count,))
    width = _check_text_form(form, name)
    rows = _flat(data, np.dtype("<u4"), (count, width), name).reshape(count, width).tolist()
    require(max(map(max, rows)) <= sys.maxunicode, f"{name} holds what is no character")
    return tuple("".join(map(chr, row)).rstrip("\0") for row in rows)


def _array_state(value: object, name: str) -> tuple[tuple[int, ...], object, memoryview]:
    """Return shape, type and bytes of the array that numpy's _reconstruct would make.

    The bytes are in C order: libsvm takes no other, and `train` writes no other.
    """
    what = f"{name} is no array"
    require(type(value) is Requested and value.of is Global.RECONSTRUCT, what)
    arguments, state = value.arguments, value.state  # type: ignore[attr-defined]
    own = len(arguments) == 3 and is_exactly(arguments[:2], (Global.NDARRAY, (0,)))
    require(own, f"{what} of numpy's own class")
    data_type = arguments[2]
    bytes_ = type(data_type) is memoryview and bytes(data_type) == b"b"
    require(bytes_, f"{what} of numpy's own class")
    require(type(state) is tuple and len(state) == 5, what)
    version, shape, form, is_fortran, data = state
    require(type(version) is int and version == 1, f"{what} of a known version")
    require(is_fortran is False, f"{what} in C order")
    require(type(data) is memoryview, f"{what} of plain numbers")
    return shape, form, data


def _check_shape(actual: object, name: str, shape: Sequence[int | None]) -> None:
    what = f"{name} does not have the shape that it should"
    require(type(actual) is tuple and len(actual) == len(shape), what)
    for length, expected in zip(actual, shape, strict=False):  # type: ignore[call-overload]
        require(type(length) is int and length >= 0, what)
        require(expected is None or length == expected, what)


def _flat(
    data: memoryview, form: np.dtype[np.generic], shape: tuple[int, ...], name: str
) -> npt.NDArray[np.generic]:
    # Python's own integers: no product of theirs overflows.
    fits = len(data) == math.prod(shape) * form.itemsize
    require(fits, f"{name} is not as long as it says")
    return np.frombuffer(data, form)


def _check_form(form: object, name: str, allowed: Sequence[str]) -> str:
    """Return the code of a number type; raise ModelError unless it is an allowed one."""
    code, state = _form_state(form, name)
    require(code in allowed, f"{name} is of type {code[:8]!r}, in a model it is {' or '.join(allowed)}")
    require(is_exactly(state, _NUMBER_STATE), f"{name} is of a type with a state that no model has")
    return code


def _check_text_form(form: object, name: str) -> int:
    """Return the width of a text type, in characters."""
    code, state = _form_state(form, name)
    widths = {f"U{width}": width for width in range(1, LONGEST_CLASS_NAME + 1)}
    require(code in widths, f"{name} is of type {code[:8]!r}, in a model it is text")
    width = widths[code]
    expected = (3, "<", None, None, None, 4 * width, 4, 8)
    require(is_exactly(state, expected), f"{name} is of a type with a state that no model has")
    return width


def _form_state(form: object, name: str) -> tuple[str, object]:
    what = f"{name} is of a type that no model has"
    require(type(form) is Requested and form.of is Global.DTYPE, f"{name} is of no type of numpy's")
    arguments = form.arguments  # type: ignore[attr-defined]
    require(len(arguments) == 3 and type(arguments[0]) is str, what)
    require(is_exactly(arguments[1:], (False, True)), what)
    return arguments[0], form.state  # type: ignore[attr-defined]

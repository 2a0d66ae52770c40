"""Check that a model is what `train` writes, attribute by attribute, and copy its arrays out.

Numbers, texts and arrays are taken out of inert data by exact types. Plain Python uses every attribute
of the file, digitsort only some of them. With a wrong value in one of the others, scikit-learn could
crash or answer differently from digitsort.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence, Set
from typing import cast

import numpy as np
import numpy.typing as npt

from digitsort.errors import require
from digitsort.files.names import printable
from digitsort.model.card import LONGEST_CLASS_NAME, Card
from digitsort.model.inert_pickle import Global, Requested
from digitsort.recognition.score import (
    FEATURE_COUNT,
    LARGEST_BIASES,
    LARGEST_WEIGHT,
    LONGEST_COLUMN,
    MOST_UNITS,
    Likeness,
    SupportVectors,
)

MOST_VECTORS = 200_000
LONGEST_VECTOR = 4096
"""Scalar products of longer vectors would not be exact in float32."""

MOST_KNOWN_ANSWERS = 64
"""With 256 classes, answering more at once would take much memory."""

LARGEST_SUM = 1e6
"""Largest sum of the absolute coefficients of a contest, far more than a fit gives. digitsort rounds
kernel values to 2**-23 and scikit-learn does not, so larger coefficients would make their answers
differ."""

DIGITS = tuple("0123456789")

LARGEST_GAMMA = 1e6
"""Far more than a fit gives, and far less than what overflows in a product."""

MOST_IMAGES = 2**31 - 1
"""libsvm counts the images of a fit in 32 bits."""

ROWS = 1024
"""Number of support vectors that are checked at a time."""

Floats = npt.NDArray[np.float64]


CLASSIFIER_ATTRIBUTES = frozenset(
    """
    C gamma temperature components classes_ projection_ svc_ temperature_ card_ known_vectors_
    known_margins_
    """.split()
)

LIKENESS_ATTRIBUTE = "likeness_"
"""Attribute that only a model of the ten digits has, if it learned what is no digit."""

SVC_SETTINGS: dict[str, object] = {
    "kernel": "rbf",
    "decision_function_shape": "ovr",
    "break_ties": True,
    "degree": 3,
    "coef0": 0.0,
    "tol": 0.001,
    "nu": 0.0,
    "epsilon": 0.0,
    "shrinking": True,
    "cache_size": 1000,
    "class_weight": None,
    "verbose": False,
    "max_iter": -1,
    "random_state": None,
    "_sparse": False,
    "fit_status_": 0,
}
"""Attributes that are the same in every model: the parameters that `DigitClassifier` gives its SVC, the
defaults of the others, and the state of a fit that ended well."""

SVC_SETTINGS_SINCE: dict[tuple[int, int], dict[str, object]] = {
    (1, 9): {"probability": "deprecated", "_effective_probability": False},
    (1, 5): {"probability": False},
}
"""Attributes that differ between versions of scikit-learn, by the first version that writes them; the
newest first. Seen in files of 1.5, 1.6, 1.7, 1.8 and 1.9."""

SVC_ARRAYS = frozenset(
    """
    C gamma _gamma n_features_in_ shape_fit_ class_weight_ classes_ support_ support_vectors_ _n_support
    dual_coef_ _dual_coef_ intercept_ _intercept_ _probA _probB _num_iter n_iter_ _sklearn_version
    """.split()
)
"""Attributes that a fit finds, and the version that wrote them."""

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(\.[0-9a-z.+]{1,40})?", re.ASCII)


def check_machine(
    svc: dict[str, object], card: Card, projection: npt.NDArray[np.float32]
) -> SupportVectors:
    """Return the arrays of an SVC that agrees with its card, for scikit-learn as for digitsort."""
    k, m = len(card.classes), projection.shape[1]
    _check_settings(svc)
    classes = take_array(svc["classes_"], "classes_", (k,), ("i8", "i4"))
    require(bool((classes == np.arange(k)).all()), "Its classes_ are not 0 … k-1")
    n_support = take_array(svc["_n_support"], "_n_support", (k,), ("i4",)).astype(np.int64)
    require(bool((n_support >= 1).all()), "Its n_support is not 1 or more")
    n = int(n_support.sum())
    require(n <= MOST_VECTORS, f"It has {n} support vectors, more than {MOST_VECTORS}")
    require(n == card.support_vectors, "Its card tells another number of support vectors")
    _check_support(svc, n_support, m)
    view = view_array(svc["support_vectors_"], "support_vectors_", (n, m))
    dual_coef = _coefficients(svc, "dual_coef_", (k - 1, n), k)
    intercept = _coefficients(svc, "intercept_", (k * (k - 1) // 2,), k)
    _check_unused(svc, k)
    gamma = take_float(svc["_gamma"], "gamma")
    require(0 < gamma <= LARGEST_GAMMA, f"Its gamma does not lie within 0-{LARGEST_GAMMA:g}")
    require(gamma == card.gamma, "Its card tells another gamma")
    require(take_float(svc["gamma"], "gamma") == gamma, "Its SVC tells two gammas")
    require(is_exactly(svc["C"], card.C), "Its card tells another C than its SVC")
    return SupportVectors(_vectors(view), n_support, dual_coef, intercept, gamma, projection)


def check_projection(state: dict[str, object]) -> npt.NDArray[np.float32]:
    """Return the matrix (d, m) that features are projected with: whole numbers, no column too long."""
    found = take_array(state["projection_"], "projection_", (FEATURE_COUNT, None), ("f4",))
    m = found.shape[1]
    require(1 <= m <= FEATURE_COUNT, f"Its projection_ has {m} columns, not 1 to {FEATURE_COUNT}")
    require(is_exactly(state["components"], m), "Its components are not the columns of its projection_")
    projection = found.astype(np.float64)
    require(bool((projection == np.rint(projection)).all()), "Its projection_ is no whole numbers")
    longest = float(np.einsum("dm,dm->m", projection, projection).max())
    require(longest <= LONGEST_COLUMN**2, "A column of its projection_ is too long")
    return projection.astype(np.float32)


def check_likeness(value: object, card: Card, m: int) -> Likeness:
    """Return the network that tells digits from other ink, for components of length m."""
    require(
        card.classes == DIGITS, f"It has a {LIKENESS_ATTRIBUTE}, but its classes are not the digits"
    )
    whole = type(value) is list and len(value) == 6
    require(whole, f"Its {LIKENESS_ATTRIBUTE} are not six arrays")
    arrays = cast("list[object]", value)
    first = _whole_numbers(arrays[0], (m, None), LONGEST_COLUMN, "f4")
    second = _whole_numbers(arrays[1], (first.shape[1], None), LARGEST_WEIGHT)
    units = first.shape[1], second.shape[1]
    few = all(1 <= count <= most for count, most in zip(units, MOST_UNITS, strict=True))
    require(few, f"Its {LIKENESS_ATTRIBUTE} has layers of {units[0]} and {units[1]} units")
    third = _whole_numbers(arrays[2], (units[1], 1), LARGEST_WEIGHT)
    longest = float(np.einsum("ma,ma->a", first, first).max())
    require(longest <= LONGEST_COLUMN**2, f"A column of its {LIKENESS_ATTRIBUTE} is too long")
    lengths = zip(arrays[3:], (*units, 1), LARGEST_BIASES, strict=True)
    biases = [_whole_numbers(bias, (length,), largest) for bias, length, largest in lengths]
    return Likeness((first.astype(np.float32), second, third), (biases[0], biases[1], biases[2]))


def _whole_numbers(
    value: object, shape: tuple[int | None, ...], largest: float, form: str = "f8"
) -> Floats:
    """Copy an array of whole numbers out whose absolute values are at most `largest`."""
    numbers = take_array(value, LIKENESS_ATTRIBUTE, shape, (form,)).astype(np.float64)
    sound = bool((np.abs(numbers) <= largest).all() and (numbers == np.rint(numbers)).all())
    require(sound, f"Its {LIKENESS_ATTRIBUTE} are no whole numbers, or too large")
    return numbers


def _check_settings(svc: dict[str, object]) -> None:
    """Raise ModelError unless the SVC has the attributes and the settings of its scikit-learn."""
    settings = SVC_SETTINGS | _settings_of_version(svc.get("_sklearn_version"))
    check_attributes(svc, settings.keys() | SVC_ARRAYS, "SVC")
    for name, value in settings.items():
        require(is_exactly(svc[name], value), f"Its SVC's {name} is not {value}")


def _settings_of_version(version: object) -> dict[str, object]:
    found = _VERSION.fullmatch(version) if type(version) is str else None
    require(found is not None, "It does not say which scikit-learn wrote it")
    number = (int(found[1]), int(found[2]))  # type: ignore[index]
    known = [settings for first, settings in SVC_SETTINGS_SINCE.items() if number >= first]
    oldest = ".".join(map(str, min(SVC_SETTINGS_SINCE)))
    require(bool(known), f"A scikit-learn before {oldest} wrote it")
    return known[0]


def _check_support(svc: dict[str, object], n_support: npt.NDArray[np.int64], m: int) -> None:
    """Check the images of the fit that became support vectors: by class, in their order, none twice."""
    shape, n = svc["shape_fit_"], int(n_support.sum())
    require(type(shape) is tuple and len(shape) == 2, "Its shape_fit_ is no shape")
    images, features = cast("tuple[int, object]", shape)
    enough = type(images) is int and n <= images <= MOST_IMAGES
    require(enough, f"Its shape_fit_ does not tell of {n} to {MOST_IMAGES} images")
    require(is_exactly(features, m), "Its shape_fit_ tells another number of features")
    require(is_exactly(svc["n_features_in_"], m), "Its n_features_in_ is another number of features")
    support = take_array(svc["support_"], "support_", (n,), ("i4",)).astype(np.int64)
    require(bool(((support >= 0) & (support < images)).all()), "Its support_ is out of range")
    ends = np.cumsum(n_support)[:-1]
    require(bool((np.delete(np.diff(support), ends - 1) > 0).all()), "Its support_ is not in order")
    require(len(np.unique(support)) == n, "Its support_ holds an image twice")


def _check_unused(svc: dict[str, object], k: int) -> None:
    """Check what no prediction depends on but libsvm is given."""
    weight = take_array(svc["class_weight_"], "class_weight_", (k,))
    require(bool((weight == 1).all()), "Its class_weight_ is not 1")
    for name in ("_probA", "_probB"):
        take_array(svc[name], name, (0,))
    pairs = (k * (k - 1) // 2,)
    steps = take_array(svc["_num_iter"], "_num_iter", pairs, ("i4",))
    again = take_array(svc["n_iter_"], "n_iter_", pairs, ("i4",))
    counted = bool((steps.astype(np.int64) >= 0).all()) and np.array_equal(steps, again)
    require(counted, "Its n_iter_ are no numbers of steps")


def _coefficients(svc: dict[str, object], name: str, shape: tuple[int, ...], k: int) -> Floats:
    """Check scikit-learn's public coefficients and libsvm's own, and return the public ones."""
    outer = cast("Floats", take_array(svc[name], name, shape))
    inner = cast("Floats", take_array(svc[f"_{name}"], f"_{name}", shape))
    small = bool(
        (np.abs(outer) <= LARGEST_SUM).all() and np.abs(outer).sum(axis=-1).max() <= LARGEST_SUM
    )
    require(small, f"Its {name} are too large")
    sign = -1 if k == 2 else 1  # libsvm's own sign, which scikit-learn turns for two classes
    require(bool((sign * inner == outer).all()), f"Its two sets of {name} differ")
    return outer


def _vectors(view: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Copy support vectors, a part at a time so that no second copy of a large model is made."""
    vectors = np.empty(view.shape, np.float32)
    for start in range(0, len(view), ROWS):
        part = view[start : start + ROWS].astype(np.float64)
        _check_vectors(part, "support_vectors_")
        vectors[start : start + ROWS] = part
    return vectors


def check_known_answers(state: dict[str, object], k: int) -> tuple[npt.NDArray[np.float32], Floats]:
    """Return vectors (m, d), and the margins (m, k) that the model gave them when it was made."""
    vectors = take_array(state["known_vectors_"], "known_vectors_", (None, FEATURE_COUNT), ("u2",))
    m = len(vectors)
    require(1 <= m <= MOST_KNOWN_ANSWERS, f"It has {m} known answers, not 1 to {MOST_KNOWN_ANSWERS}")
    _check_vectors(vectors.astype(np.float64), "known_vectors_")  # non-negative by their type
    margins = take_array(state["known_margins_"], "known_margins_", (m, k))
    return vectors.astype(np.float32), cast("Floats", margins)


def _check_vectors(vectors: Floats, name: str) -> None:
    """Check that vectors are what `score` takes: whole numbers, not too long, exact in float32."""
    in_range = bool((np.abs(vectors) < LONGEST_VECTOR).all())  # not true of NaN
    require(in_range, f"Its {name} are not within ±{LONGEST_VECTOR}")
    require(bool((vectors == np.rint(vectors)).all()), f"Its {name} are no whole numbers")
    squares = np.einsum("nd,nd->n", vectors, vectors)
    require(bool((squares < LONGEST_VECTOR**2).all()), f"One of its {name} is too long")


def check_classifier(state: dict[str, object], card: Card) -> None:
    """Check what belongs to the classifier itself."""
    names = take_texts(state["classes_"], "classes_", len(card.classes))
    require(names == card.classes, "Its card tells other class names")
    temperature = take_float(state["temperature_"], "temperature_")
    require(temperature == card.temperature, "Its card tells another temperature")
    require(is_exactly(state["C"], card.C), "Its card tells another C than its classifier")
    for name in ("gamma", "temperature"):
        require(take_float(state[name], name) > 0, f"Its {name} is not above 0")


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

"""Arrays that are not what they say."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tests.model.hostile.case import (
    Hostile,
    Raw,
    both,
    changed,
    mapped,
    on_classifier,
    on_svc,
    raw_array,
    raw_dtype,
    rawly,
)

WRONG_DTYPES: dict[str, tuple[Any, str]] = {
    "objects": (raw_dtype("O8", (3, "|", None, None, None, -1, -1, 63)), "is of type 'O8'"),
    "big-endian": (raw_dtype("f8", (3, ">", None, None, None, -1, -1, 0)), "state"),
    "half precision": (raw_dtype("f2"), "is of type 'f2'"),
    "complex": (raw_dtype("c16"), "is of type 'c16'"),
    "records": (raw_dtype("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), 0)}, 8, 1, 16)), "'V8'"),
    "dates": (raw_dtype("M8", (4, "<", None, None, None, -1, -1, 0, ({}, (b"D", 1, 1, 1)))), "'M8'"),
    "a comma code": (raw_dtype("f8,f8"), "is of type 'f8,f8'"),
    "a wild size": (raw_dtype("f8", (3, "<", None, None, None, 2**31 - 1, -1, 0)), "state"),
    "a negative alignment": (raw_dtype("f8", (3, "<", None, None, None, -1, -2, 0)), "state"),
    "flags": (raw_dtype("f8", (3, "<", None, None, None, -1, -1, 63)), "state"),
    "fields of its own": (raw_dtype("f8", (3, "<", None, ("a",), {}, -1, -1, 0)), "state"),
    "a sub-array": (raw_dtype("f8", (3, "<", (np.dtype("f8"), (9,)), None, None, -1, -1, 0)), "state"),
    "a short state": (raw_dtype("f8", (3, "<")), "state"),
    "a state that is a list": (raw_dtype("f8", [3, "<", None, None, None, -1, -1, 0]), "state"),
    "a state of other types": (raw_dtype("f8", (3, "<", None, None, None, -1.0, -1, 0)), "state"),
    "aligned": (raw_dtype("f8", flags=(True, True)), "of a type that no model has"),
    "not copied": (raw_dtype("f8", flags=(0, 1)), "of a type that no model has"),
    "a class for a code": (raw_dtype(np.ndarray), "of a type that no model has"),
    "a number for a code": (raw_dtype(7), "of a type that no model has"),
    "more arguments": (
        Raw(np.dtype, ("f8", False, True, {}), (3, "<", None, None, None, -1, -1, 0)),
        "of a type that no model has",
    ),
    "no type": ("f8", "of no type of numpy's"),
    "an array for a type": (np.zeros(3), "of no type of numpy's"),
}


def arrays() -> dict[str, Hostile]:
    """Arrays that are not what they say."""
    found = {
        f"a type of {name}": Hostile(rawly("dual_coef_", dtype=form), f"dual_coef_ .*{says}")
        for name, (form, says) in WRONG_DTYPES.items()
    }
    pairs = (3, "<", None, None, None, 4, 4, 8)
    one = "not as long as it says"
    shape = "does not have the shape"
    array = "is no array"
    return found | {
        "integers for coefficients": Hostile(
            mapped("dual_coef_", lambda a: a.astype("i8")), "type 'i8'"
        ),
        "floats for counts": Hostile(mapped("_n_support", lambda a: a.astype("f8")), "type 'f8'"),
        "single precision": Hostile(mapped("support_vectors_", lambda a: a.astype("f4")), "type 'f4'"),
        "booleans for vectors": Hostile(mapped("known_vectors_", lambda a: a > 0), "type 'b1'"),
        "texts for margins": Hostile(mapped("known_margins_", lambda a: a.astype("U4")), "type 'U4'"),
        "numbers for names": Hostile(on_classifier(classes_=np.arange(3)), "type 'i8'"),
        "objects for names": Hostile(
            on_classifier(classes_=np.array(["0", "1", "4"], object)), "plain numbers"
        ),
        "names too wide": Hostile(mapped("classes_", lambda a: a.astype("U65")), "type 'U65'"),
        "names of no width": Hostile(
            rawly("classes_", dtype=raw_dtype("U0", (3, "<", None, None, None, 0, 4, 8)), data=b""),
            "type 'U0'",
        ),
        "names of another width": Hostile(rawly("classes_", dtype=raw_dtype("U2", pairs)), "state"),
        "names of wild flags": Hostile(
            rawly("classes_", dtype=raw_dtype("U1", (3, "<", None, None, None, 4, 4, 63))), "state"
        ),
        "names of no characters": Hostile(rawly("classes_", data=b"\xff" * 12), "no character"),
        "names just past the last character": Hostile(
            rawly("classes_", data=struct.pack("<3I", 0x30, 0x31, 0x110000)), "no character"
        ),
        "no array": Hostile(on_svc(intercept_=[1.0]), array),
        "a number for an array": Hostile(on_svc(dual_coef_=1.0), array),
        "a scalar for an array": Hostile(on_svc(_n_support=np.float64(1)), array),
        "nothing for an array": Hostile(
            lambda good: changed(good, lambda m: m.svc_.__dict__.pop("support_vectors_")),
            "SVC has no attribute support_vectors_",
        ),
        "an array without a state": Hostile(rawly("intercept_", state=None), array),
        "an array with a short state": Hostile(rawly("intercept_", state=(1, (3,))), array),
        "an array with a dict for a state": Hostile(rawly("intercept_", state={"a": 1}), array),
        "an array of a sub-class": Hostile(
            rawly("intercept_", arguments=(np.dtype, (0,), b"b")), "numpy's own class"
        ),
        "an array of no class": Hostile(
            rawly("intercept_", arguments=("ndarray", (0,), b"b")), "numpy's own class"
        ),
        "an array of no arguments": Hostile(rawly("intercept_", arguments=(np.ndarray,)), "own class"),
        "an array that starts with a length": Hostile(
            rawly("intercept_", arguments=(np.ndarray, (10**9,), b"b")), "numpy's own class"
        ),
        "an array that starts with False": Hostile(
            rawly("intercept_", arguments=(np.ndarray, (False,), b"b")), "numpy's own class"
        ),
        "an array that starts as objects": Hostile(
            rawly("intercept_", arguments=(np.ndarray, (0,), b"O")), "numpy's own class"
        ),
        "an array that starts with a text": Hostile(
            rawly("intercept_", arguments=(np.ndarray, (0,), "b")), "numpy's own class"
        ),
        "an array of version 0": Hostile(rawly("dual_coef_", version=0), "known version"),
        "an array of version 1.0": Hostile(rawly("dual_coef_", version=1.0), "known version"),
        "an order that is a number": Hostile(rawly("dual_coef_", fortran=1), "in C order"),
        "an order that is a text": Hostile(rawly("dual_coef_", fortran="C"), "in C order"),
        "in Fortran's order": Hostile(mapped("dual_coef_", np.asfortranarray), "in C order"),
        "vectors in Fortran's order": Hostile(
            mapped("support_vectors_", np.asfortranarray), "in C order"
        ),
        "object array": Hostile(on_svc(dual_coef_=np.array([None])), "plain numbers"),
        "a text for data": Hostile(rawly("intercept_", data="\0" * 24), "plain numbers"),
        "a list for data": Hostile(rawly("intercept_", data=[0.0, 0.0, 0.0]), "plain numbers"),
        "an array for data": Hostile(rawly("intercept_", data=np.zeros(3)), "plain numbers"),
        "a byte too few": Hostile(mapped("intercept_", lambda a: raw_array(a, data=bytes(23))), one),
        "a byte too many": Hostile(mapped("intercept_", lambda a: raw_array(a, data=bytes(25))), one),
        "no data": Hostile(rawly("support_vectors_", data=b""), one),
        "names of less data": Hostile(rawly("classes_", data=b"0\0\0\0"), one),
        "a shape of 2^62 rows": Hostile(rawly("known_vectors_", shape=(2**62, 392)), one),
        "a negative row": Hostile(rawly("known_vectors_", shape=(-1, 392)), shape),
        "two negative sides": Hostile(rawly("known_vectors_", shape=(-6, -392)), shape),
        "a row of floats": Hostile(rawly("known_vectors_", shape=(6.0, 392)), shape),
        "rows counted by True": Hostile(rawly("known_vectors_", shape=(True, 392)), shape),
        "a shape in a list": Hostile(rawly("intercept_", shape=[3]), shape),
        "a shape that is a number": Hostile(rawly("intercept_", shape=3), shape),
        "another dimension": Hostile(rawly("intercept_", shape=(3, 1)), shape),
        "no dimension": Hostile(rawly("intercept_", shape=()), shape),
        "turned": Hostile(mapped("dual_coef_", lambda a: a.T.copy()), shape),
        "an empty array": Hostile(on_svc(_dual_coef_=np.zeros((0, 0))), shape),
        "fewer features": Hostile(mapped("support_vectors_", lambda a: a[:, :-1]), shape),
        "fewer intercepts": Hostile(mapped("intercept_", lambda a: a[:-1]), shape),
        "not a number": Hostile(both("dual_coef_", lambda a: a * np.nan), "numbers that are none"),
        "infinite": Hostile(both("intercept_", lambda a: a + np.inf), "numbers that are none"),
        "margins that are none": Hostile(
            mapped("known_margins_", lambda a: a * np.nan), "that are none"
        ),
    }

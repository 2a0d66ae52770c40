"""Numbers of the right form that make no machine, or two different ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.model.hostile.case import (
    Change,
    Hostile,
    Raw,
    both,
    changed,
    good_pair,
    mapped,
    on_card,
    on_classifier,
    on_svc,
    raw_dtype,
)


def longer_by(count: int) -> Callable[[Any], Any]:
    """Repeat the first row or column so many times more."""
    return lambda a: np.concatenate([a, np.repeat(a[:1], count, axis=0)])


def all_vectors(function: Callable[[Any], Any]) -> Change:
    return mapped("support_vectors_", function)


def raw_gamma(form: Any, data: Any) -> Change:
    """Numpy's scalar, pickled by hand."""
    return on_svc(_gamma=Raw(np.float64(1).__reduce__()[0], (form, data), None))


def machines() -> dict[str, Hostile]:
    """Numbers of the right form that make no machine, or two different ones."""
    found = {
        f"{name} is {value!a}": Hostile(on_svc(**{name: value}), f"SVC's {name} is not")
        for name, value in (
            ("degree", 2**31),
            ("coef0", 1.0),
            ("cache_size", -1),
            ("cache_size", 1000.0),
            ("probability", True),
            ("random_state", 0),
            ("_effective_probability", True),
            ("fit_status_", 1),
            ("kernel", "precomputed"),
            ("kernel", "linear"),
            ("kernel", None),
            ("_sparse", True),
            ("_sparse", 0),
            ("break_ties", False),
            ("break_ties", 1),
            ("decision_function_shape", "ovo"),
            ("decision_function_shape", b"ovr"),
        )
    }
    whole_numbers, ranged = "no whole numbers", "not within ±4096"
    faces, fits = "sets of .* differ", "card tells another"
    return found | {
        "other class labels": Hostile(
            lambda good: changed(good, lambda m: setattr(m.svc_, "classes_", m.svc_.classes_ * 2)),
            "classes_ are not 0",
        ),
        "class labels from one": Hostile(
            lambda good: changed(good, lambda m: setattr(m.svc_, "classes_", m.svc_.classes_ + 1)),
            "classes_ are not 0",
        ),
        "counts below zero": Hostile(
            mapped("_n_support", lambda a: a * -1), "n_support is not 1 or more"
        ),
        "counts of a million and minus one": Hostile(
            mapped("_n_support", lambda a: a + np.array([10**6, -(10**6), 0], "i4")),
            "n_support is not 1",
        ),
        "no vectors": Hostile(mapped("_n_support", lambda a: a * 0), "n_support is not 1"),
        "a class without vectors": Hostile(
            mapped("_n_support", lambda a: np.array([0, a[0] + a[1], a[2]], "i4")), "not 1 or more"
        ),
        "more vectors than digitsort takes": Hostile(
            mapped("_n_support", lambda a: a + 100_000), "support vectors, more than"
        ),
        "counts that overflow": Hostile(
            mapped("_n_support", lambda a: np.full_like(a, 2**31 - 1)), "6442450941 support vectors"
        ),
        "more vectors than the card says": Hostile(mapped("_n_support", lambda a: a + 1), fits),
        "fewer vectors than the card says": Hostile(on_card(support_vectors=1), fits),
        "half a vector": Hostile(all_vectors(lambda a: a * 0.5), whole_numbers),
        "half a known vector": Hostile(all_vectors(lambda a: a + 0.25), whole_numbers),
        "negative vectors": Hostile(all_vectors(lambda a: -a), "fingerprint"),
        "vectors far below zero": Hostile(all_vectors(lambda a: a - 5000), ranged),
        "vectors that are none": Hostile(all_vectors(lambda a: a * np.nan), ranged),
        "infinite vectors": Hostile(all_vectors(lambda a: a + np.inf), ranged),
        "vectors that overflow": Hostile(all_vectors(lambda a: a * 1e300), ranged),
        "known vectors out of range": Hostile(
            mapped("known_vectors_", lambda a: np.full_like(a, 65535)),
            "known_vectors_ are not within",
        ),
        "long vectors": Hostile(all_vectors(lambda a: a * 2), "too long"),
        "long known vectors": Hostile(
            mapped("known_vectors_", lambda a: a * 2), "known_.* is too long"
        ),
        "half a projection": Hostile(
            mapped("projection_", lambda a: a * np.float32(0.5)), f"projection_ is {whole_numbers}"
        ),
        "a projection between numbers": Hostile(
            mapped("projection_", lambda a: a + np.float32(0.25)), f"projection_ is {whole_numbers}"
        ),
        "a long projection": Hostile(mapped("projection_", lambda a: a * 2), "projection_ is too long"),
        "a projection of long negative columns": Hostile(
            mapped("projection_", lambda a: a - np.float32(300)), "projection_ is too long"
        ),
        "a projection that is none": Hostile(on_classifier(projection_=None), "projection_"),
        "a projection of nothing": Hostile(mapped("projection_", lambda a: a[:, :0]), "has 0 columns"),
        "a projection without numbers": Hostile(
            on_classifier(projection_=np.zeros((392, 0), np.float32)), "has 0 columns"
        ),
        "a projection that is too wide": Hostile(
            mapped("projection_", lambda a: np.tile(a, 3)), "columns, not 1 to 392"
        ),
        "a projection of fewer features": Hostile(
            mapped("projection_", lambda a: a[:-1]), "projection_ .*shape"
        ),
        "a projection onto less": Hostile(
            lambda good: on_classifier(components=191)(
                mapped("projection_", lambda a: a[:, :-1])(good)
            ),
            "shape_fit_ tells another number of features",
        ),
        "a projection of other numbers": Hostile(
            mapped("projection_", lambda a: a.astype(np.float64)), "projection_ is of type 'f8'"
        ),
        "another projection": Hostile(mapped("projection_", lambda a: -a), "fingerprint"),
        "coefficients too large": Hostile(both("dual_coef_", lambda a: a * 1e200), "too large"),
        "intercepts too large": Hostile(both("intercept_", lambda a: a + 1e101), "too large"),
        "two faces": Hostile(mapped("_dual_coef_", lambda a: a * 1.5), faces),
        "two faces of one": Hostile(mapped("dual_coef_", lambda a: a + np.eye(*a.shape)), faces),
        "two intercepts": Hostile(mapped("_intercept_", lambda a: -a), faces),
        "two signs of a pair": Hostile(
            lambda _: mapped("_dual_coef_", lambda a: -a)(good_pair()), faces
        ),
        "gamma below zero": Hostile(on_svc(_gamma=-1.0), "gamma does not lie"),
        "gamma of zero": Hostile(on_svc(_gamma=0.0), "gamma does not lie"),
        "gamma too large": Hostile(on_svc(_gamma=1e300), "gamma does not lie"),
        "gamma that is none": Hostile(on_svc(_gamma=float("nan")), "gamma is no finite number"),
        "infinite gamma": Hostile(on_svc(_gamma=np.float64("inf")), "gamma is no finite number"),
        "gamma with a state": Hostile(
            on_svc(_gamma=Raw(np.float64(1).__reduce__()[0], (np.dtype("f8"), bytes(8)), {"a": 1})),
            "gamma is no number",
        ),
        "gamma in words": Hostile(on_svc(_gamma="scale"), "gamma is no number"),
        "gamma that is whole": Hostile(on_svc(_gamma=1), "gamma is no number"),
        "gamma in an array": Hostile(on_svc(_gamma=np.ones(1)), "gamma is no number"),
        "gamma without data": Hostile(
            on_svc(_gamma=Raw(np.float64(1).__reduce__()[0], (np.dtype("f8"),), None)),
            "is no number",
        ),
        "gamma with too much": Hostile(
            on_svc(_gamma=Raw(np.float64(1).__reduce__()[0], (np.dtype("f8"), bytes(8), 1), None)),
            "gamma is no number",
        ),
        "gamma of four bytes": Hostile(on_svc(_gamma=np.float32(1)), "gamma is of type 'f4'"),
        "gamma of objects": Hostile(
            raw_gamma(raw_dtype("O8", (3, "|", None, None, None, -1, -1, 63)), b"\x01" * 8),
            "type 'O8'",
        ),
        "gamma too short": Hostile(raw_gamma(np.dtype("f8"), b"\0"), "gamma is not as long"),
        "gamma of text": Hostile(raw_gamma(np.dtype("f8"), "12345678"), "gamma is not as long"),
        "another gamma": Hostile(on_svc(_gamma=0.123), fits),
        "two gammas": Hostile(on_svc(gamma=0.123), "two gammas"),
        "two gammas, one a text": Hostile(on_svc(gamma="scale"), "gamma is no number"),
        "two gammas of numpy's": Hostile(on_svc(gamma=np.float64(0.123)), "two gammas"),
        "another C": Hostile(on_svc(C=0.5), "another C than its SVC"),
        "a whole C": Hostile(on_svc(C=5), "another C than its SVC"),
        "another C of the classifier": Hostile(on_classifier(C=0.5), "another C than its classifier"),
        "C of the classifier is an array": Hostile(
            on_classifier(C=np.ones(1)), "another C than its cl"
        ),
        "gamma of the classifier below zero": Hostile(
            on_classifier(gamma=-1.0), "gamma is not above 0"
        ),
        "temperature of the classifier is zero": Hostile(
            on_classifier(temperature=0.0), "temperature is not above 0"
        ),
        "other components": Hostile(on_classifier(components=191), "components are not"),
        "components of a float": Hostile(on_classifier(components=192.0), "components are not"),
        "another gamma in the card": Hostile(on_card(gamma=0.123), fits),
        "other names": Hostile(on_classifier(classes_=np.array(["1", "0", "4"])), "other class names"),
        "other names in the card": Hostile(on_card(classes=["0", "1", "5"]), "other class names"),
        "another temperature": Hostile(on_classifier(temperature_=0.123), fits),
        "another temperature in the card": Hostile(on_card(temperature=0.123), fits),
        "temperature that is none": Hostile(
            on_classifier(temperature_=None), "temperature_ is no number"
        ),
        "no known answers": Hostile(
            lambda good: mapped("known_vectors_", lambda a: a[:0])(
                mapped("known_margins_", lambda a: a[:0])(good)
            ),
            "0 known answers",
        ),
        "too many known answers": Hostile(
            mapped("known_vectors_", longer_by(64)), r"known answers, not 1"
        ),
        "known answers of fewer": Hostile(mapped("known_margins_", lambda a: a[:-1]), "the shape"),
        "other known answers": Hostile(
            mapped("known_margins_", lambda a: a + 0.01), "the answers that"
        ),
        "other known vectors": Hostile(mapped("known_vectors_", lambda a: a[::-1]), "the answers that"),
        "another machine": Hostile(both("dual_coef_", lambda a: a * 0.5), "fingerprint"),
        "another threshold": Hostile(on_card(min_confidence=0.0), "fingerprint"),
        "another fingerprint": Hostile(on_card(fingerprint="0" * 64), "fingerprint"),
    }

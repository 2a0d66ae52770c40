"""Attributes that plain Python uses and digitsort does not; and those of other versions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.leaves import emit, read_tree, replaced
from tests.model.hostile.case import Change, Hostile, Raw, changed, mapped, on_classifier, on_svc


def attributes() -> dict[str, Hostile]:
    """Attributes that no model has, that a model lacks, or that are not as libsvm needs them."""
    return _names() | _supports() | _unused()


def without(name: str) -> Change:
    """With an attribute of the SVC or the classifier left out."""
    return lambda good: changed(
        good, lambda m: (m.svc_ if name in m.svc_.__dict__ else m).__dict__.pop(name)
    )


def on_version(version: Any) -> Change:
    """As if another scikit-learn had pickled the SVC."""

    def make(good: bytes) -> bytes:
        tree = read_tree(good)
        return emit(replaced(tree, ("state", "svc_", "state", "_sklearn_version"), version))

    return make


def _names() -> dict[str, Hostile]:
    """Attributes that no model has, or that every model has."""
    return {
        "an attribute of the SVC more": Hostile(
            on_svc(extra_=1), "an attribute extra_, which no model"
        ),
        "a method of the SVC": Hostile(on_svc(predict=1), "an attribute predict, which no model"),
        "an attribute of the classifier more": Hostile(
            on_classifier(n_features_in_=1), "an attribute n_features_in_, which no model"
        ),
        "a method of the classifier": Hostile(on_classifier(predict=1), "attribute predict, which no"),
        "no support_": Hostile(without("support_"), "SVC has no attribute support_"),
        "no cache size": Hostile(without("cache_size"), "SVC has no attribute cache_size"),
        "no components": Hostile(without("components"), "Classifier has no attribute components"),
        "no version": Hostile(on_version(None), "does not say which scikit-learn"),
        "a version of letters": Hostile(on_version("new"), "does not say which scikit-learn"),
        "a version of one number": Hostile(on_version("1"), "does not say which scikit-learn"),
        "a version with a line break": Hostile(
            on_version("1.9.1\n"), "does not say which scikit-learn"
        ),
        "a version before 1.5": Hostile(on_version("1.4.2"), "before 1.5 wrote"),
        "a version of 0": Hostile(on_version("0.24.2"), "before 1.5 wrote"),
        "attributes of another version": Hostile(
            lambda good: on_version("1.5.2")(with_form_of_1_9(good)),
            "an attribute _effective_probability",
        ),
    }


def with_form_of_1_9(good: bytes) -> bytes:
    """The same model as scikit-learn 1.9 pickles it, whichever wrote it."""
    svc = ("state", "svc_", "state")
    tree = read_tree(good)
    values = {**tree.state["svc_"].state, "probability": "deprecated", "_effective_probability": False}
    return emit(replaced(tree, svc, {**values, "_sklearn_version": "1.9.0"}))


def with_form_of_1_5(good: bytes) -> bytes:
    """The same model as scikit-learn 1.5 pickles it, whichever wrote it."""
    svc = ("state", "svc_", "state")
    tree = read_tree(good)
    values = {**tree.state["svc_"].state, "probability": False, "_sklearn_version": "1.5.2"}
    values.pop("_effective_probability", None)
    return emit(replaced(tree, svc, values))


def _supports() -> dict[str, Hostile]:
    """Support vectors that are of no images, or of the same ones; libsvm copies them all."""
    order, reach = "support_ is not in order", "support_ is out of range"
    shape, features = "does not have the shape", "another number of features"
    return {
        "support too long": Hostile(mapped("support_", lambda a: np.tile(a, 100)), shape),
        "support cut short": Hostile(mapped("support_", lambda a: a[:1]), shape),
        "no support": Hostile(mapped("support_", lambda a: a[:0]), shape),
        "support of objects": Hostile(mapped("support_", lambda a: a.astype(object)), "plain numbers"),
        "support of records": Hostile(
            mapped("support_", lambda a: a.view([("a", "i2"), ("b", "i2")])), "type 'V4'"
        ),
        "support of big integers": Hostile(mapped("support_", lambda a: a.astype("i8")), "type 'i8'"),
        "support of the other byte order": Hostile(
            mapped("support_", lambda a: a.astype(">i4")), "with a state"
        ),
        "an object for support": Hostile(
            on_svc(support_=Raw(np.float64(1).__reduce__()[0], (np.dtype("O"), [1]), None)), "no array"
        ),
        "support backwards": Hostile(mapped("support_", lambda a: a[::-1]), order),
        "support of one image": Hostile(mapped("support_", lambda a: a * 0), order),
        "support below zero": Hostile(mapped("support_", lambda a: a - 1000), reach),
        "support of images that were not": Hostile(mapped("support_", lambda a: a + 10**6), reach),
        "support of an image in two classes": Hostile(
            lambda good: changed(good, _share_an_image), "support_ holds an image twice"
        ),
        "support of the same images in all classes": Hostile(
            lambda good: changed(good, _share_images), "support_ holds an image twice"
        ),
        "a fit to no shape": Hostile(on_svc(shape_fit_=48), "shape_fit_ is no shape"),
        "a fit to one dimension": Hostile(on_svc(shape_fit_=(48,)), "shape_fit_ is no shape"),
        "a fit to a list": Hostile(on_svc(shape_fit_=[48, 192]), "shape_fit_ is no shape"),
        "a fit to fewer images": Hostile(on_svc(shape_fit_=(1, 192)), "shape_fit_ does not tell"),
        "a fit to wild many images": Hostile(on_svc(shape_fit_=(2**40, 192)), "shape_fit_ does not"),
        "a fit to 48.0 images": Hostile(on_svc(shape_fit_=(48.0, 192)), "shape_fit_ does not tell"),
        "a fit to fewer features": Hostile(on_svc(shape_fit_=(48, 1)), features),
        "a fit to wild many features": Hostile(on_svc(shape_fit_=(48, 2**40)), features),
        "fewer features than vectors have": Hostile(on_svc(n_features_in_=1), features),
        "more features than vectors have": Hostile(on_svc(n_features_in_=2**40), features),
    }


def _share_an_image(model: Any) -> None:
    svc = model.svc_
    a, b, _ = svc._n_support
    svc.support_[:a] = np.arange(a)
    svc.support_[a : a + b] = np.arange(a - 1, a + b - 1)


def _share_images(model: Any) -> None:
    svc = model.svc_
    svc.support_ = np.concatenate([np.arange(count, dtype="i4") for count in svc._n_support])


def _unused() -> dict[str, Hostile]:
    """Arrays that libsvm is given but does not need."""
    shape = "does not have the shape"
    return {
        "weights of zero": Hostile(mapped("class_weight_", lambda a: a * 0), "class_weight_ is not 1"),
        "weights of two": Hostile(mapped("class_weight_", lambda a: a * 2), "class_weight_ is not 1"),
        "a weight too few": Hostile(mapped("class_weight_", lambda a: a[:-1]), shape),
        "probabilities of libsvm": Hostile(on_svc(_probA=np.zeros(3)), shape),
        "more probabilities of libsvm": Hostile(on_svc(_probB=np.zeros(10**6)), shape),
        "steps below zero": Hostile(
            lambda good: mapped("n_iter_", lambda a: -a - 1)(
                mapped("_num_iter", lambda a: -a - 1)(good)
            ),
            "no numbers of steps",
        ),
        "two numbers of steps": Hostile(mapped("_num_iter", lambda a: a + 1), "no numbers of steps"),
        "steps of objects": Hostile(mapped("n_iter_", lambda a: a.astype(object)), "plain numbers"),
    }

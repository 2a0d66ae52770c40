"""What is no model at all, or something around one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile

import numpy as np

from tests.model.hostile.assembler import HEAD, call, named, text, whole
from tests.model.hostile.case import Hostile
from tests.model.hostile.changes import inside, on_classifier


def zipped(good: bytes) -> bytes:
    """A ZIP archive that holds the file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.pkl", good)
    return file.getvalue()


def bare_svc(_: bytes) -> bytes:
    """The pickle of scikit-learn's tutorial."""
    from sklearn.svm import SVC

    return pickle.dumps(SVC().fit([[0.0], [1.0]], [0, 1]), 4)


def wrappings() -> dict[str, Hostile]:
    """Not a model at all, or something around one."""
    return {
        "empty": Hostile(lambda _: b"", "is empty"),
        "text": Hostile(lambda _: b"hello, world\n", "is no pickle"),
        "old protocol": Hostile(lambda _: pickle.dumps({"a": 1}, 0), "is no pickle"),
        "protocol 2": Hostile(lambda _: pickle.dumps({"a": 1}, 2), "not of protocol 4"),
        "protocol 3 of a model": Hostile(lambda good: b"\x80\x03" + good[2:], "not of protocol 4"),
        "protocol 5": Hostile(lambda good: b"\x80\x05" + good[2:], "not of protocol 4"),
        "gzip": Hostile(gzip.compress, "gzip"),
        "bzip2": Hostile(bz2.compress, "bzip2"),
        "xz": Hostile(lzma.compress, "xz"),
        "zip": Hostile(zipped, "ZIP"),
        "a byte behind": Hostile(lambda good: good + b"x", "follows the end"),
        "zeros behind": Hostile(lambda good: good + bytes(4096), "follows the end"),
        "two models": Hostile(lambda good: good + good, "follows the end"),
        "a payload behind": Hostile(
            lambda good: good + HEAD + call("os", "system", "true") + b".", "follows the end"
        ),
        "a model in a list": Hostile(
            lambda good: HEAD + b"]" + good[2:-1] + b"a.", "no DigitClassifier"
        ),
        "nested pickle": Hostile(inside(HEAD + b"N."), "opcode PROTO"),
        "a dict": Hostile(lambda _: pickle.dumps({"a": 1}, 4), "no DigitClassifier"),
        "an array": Hostile(lambda _: pickle.dumps(np.zeros(3), 4), "no DigitClassifier"),
        "a text": Hostile(whole(text("x")), "no DigitClassifier"),
        "a bare SVC": Hostile(bare_svc, "bare scikit-learn SVC"),
        "an empty SVC": Hostile(
            whole(named("sklearn.svm._classes", "SVC") + b")\x81"), "bare scikit-learn SVC"
        ),
        "an empty classifier": Hostile(
            whole(named("digitsort", "DigitClassifier") + b")\x81"), "DigitClassifier has no attributes"
        ),
        "a classifier whose state is a list": Hostile(
            whole(named("digitsort", "DigitClassifier") + b")\x81]b"),
            "DigitClassifier has no attributes",
        ),
        "no SVC": Hostile(on_classifier(svc_=None), "no SVC"),
        "an array for an SVC": Hostile(on_classifier(svc_=np.zeros(3)), "no SVC"),
        "no card": Hostile(on_classifier(card_=None), "no card"),
        "a list for a card": Hostile(on_classifier(card_=[1]), "no card"),
    }

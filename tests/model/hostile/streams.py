"""Opcodes that models have, put together as no pickler does."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile

import numpy as np

from tests.model.hostile.case import (
    HEAD,
    Hostile,
    call,
    doubled,
    inside,
    named,
    on_classifier,
    text,
    unframed,
    whole,
)

CLASSIFIER, SVC = named("digitsort", "DigitClassifier"), named("sklearn.svm._classes", "SVC")
DTYPE, NDARRAY = named("numpy", "dtype"), named("numpy", "ndarray")


def streams() -> dict[str, Hostile]:
    """Opcodes that models have, put together as no pickler does; memo tricks."""
    early = "ends too early"
    longer = "is longer than the file"
    more, mark = "takes more than there is", "a mark is missing"
    return {
        "cut in half": Hostile(lambda good: good[: len(good) // 2], longer),
        "cut in half, without frames": Hostile(lambda good: unframed(good)[: len(good) // 2], longer),
        "cut after the header": Hostile(lambda good: good[:2], early),
        "without its STOP": Hostile(lambda good: good[:-1], longer),
        "without its STOP and frames": Hostile(lambda good: unframed(good)[:-1], early),
        "cut in a number": Hostile(lambda _: HEAD + b"J\0\0", early),
        "cut in a float": Hostile(lambda _: HEAD + b"G\0", early),
        "cut in a length": Hostile(lambda _: HEAD + b"B\0\0", early),
        "cut in a text": Hostile(lambda _: HEAD + b"\x8c\x05ab", longer),
        "cut in bytes": Hostile(lambda _: HEAD + b"C\x05ab", longer),
        "frame beyond the end": Hostile(lambda _: HEAD + b"\x95" + b"\xff" * 8 + b"N.", longer),
        "frame one byte too long": Hostile(lambda _: HEAD + b"\x95\3" + bytes(7) + b"N.", longer),
        "text that is not UTF-8": Hostile(whole(b"\x8c\2\xff\xfe"), "not UTF-8"),
        "a lone surrogate": Hostile(whole(text("\ud800")), "not UTF-8"),
        "tuple of nothing": Hostile(whole(b"\x85"), more),
        "pair of one": Hostile(whole(b"N\x86"), more),
        "tuple from below a mark": Hostile(whole(b"N(\x85"), more),
        "memoize nothing": Hostile(whole(b"\x94"), more),
        "build nothing": Hostile(whole(b"b"), more),
        "name from nothing": Hostile(whole(b"\x93"), more),
        "tuple without a mark": Hostile(whole(b"Nt"), mark),
        "appends without a mark": Hostile(whole(b"]e"), mark),
        "setitems without a mark": Hostile(whole(b"}u"), mark),
        "two objects": Hostile(whole(b"NN"), "one object"),
        "no object": Hostile(whole(b""), "one object"),
        "an open mark": Hostile(whole(b"(N"), "one object"),
        "get from an empty memo": Hostile(whole(b"h\0"), "does not hold"),
        "get beyond the memo": Hostile(whole(b"N\x94j\xff\xff\xff\xff"), "does not hold"),
        "append to a tuple": Hostile(whole(b")Na"), "no list"),
        "append to a dict": Hostile(whole(b"}Na"), "no list"),
        "extend a text": Hostile(whole(text("x") + b"(Ne"), "no list"),
        "append to an array": Hostile(inside(NDARRAY + b"Na"), "no list"),
        "set an item of a list": Hostile(whole(b"]" + text("x") + b"Ns"), "no dict"),
        "set an item of a class": Hostile(whole(SVC + text("fit") + b"Ns"), "no dict"),
        "a key without a value": Hostile(whole(b"}(" + text("x") + b"u"), "no value"),
        "three keys and values": Hostile(
            inside(b"}(" + text("x") + b"N" + text("y") + b"u"), "no value"
        ),
        "a number for a key": Hostile(whole(b"}K\1Ns"), "no text"),
        "a tuple for a key": Hostile(whole(b"}()Nu"), "no text"),
        "a key of doubled tuples": Hostile(whole(b"})" + b"\x94" + doubled(20) + b"Ns"), "no text"),
        "an array for a key": Hostile(inside(b"}" + NDARRAY + b"Ns"), "no text"),
        "a key twice": Hostile(whole(b"}(" + 2 * (text("x") + b"N") + b"u"), "twice"),
        "an attribute twice": Hostile(
            whole(CLASSIFIER + b")\x81}(" + 2 * (text("svc_") + b"N") + b"ub"), "svc_ twice"
        ),
        "named by numbers": Hostile(whole(b"K\1K\2\x93"), "by what is no text"),
        "named by a class": Hostile(whole(SVC + text("fit") + b"\x93"), "by what is no text"),
        "an object of a text": Hostile(whole(text("x") + b")\x81"), "object of str"),
        "an object of dtype": Hostile(whole(DTYPE + b")\x81"), "object of dtype"),
        "an object of an object": Hostile(whole(SVC + b")\x81)\x81"), "object of Requested"),
        "an object with arguments": Hostile(whole(SVC + b"K\1\x85\x81"), "with arguments"),
        "an object with a dict": Hostile(whole(CLASSIFIER + b"}\x81"), "with arguments"),
        "a call of a text": Hostile(whole(text("os.system") + b")R"), "calls str"),
        "a call of a class": Hostile(whole(SVC + b")R"), "calls svc"),
        "a call of ndarray": Hostile(whole(NDARRAY + b")R"), "calls ndarray"),
        "a call of what was made": Hostile(whole(DTYPE + b")R)R"), "calls Requested"),
        "arguments in a list": Hostile(whole(DTYPE + b"]R"), "arguments are no tuple"),
        "arguments in a text": Hostile(whole(DTYPE + text("f8") + b"R"), "arguments are no tuple"),
        "the state of a class": Hostile(whole(SVC + b"}b"), "sets the state of svc"),
        "the state of a text": Hostile(whole(text("x") + b"}b"), "sets the state of str"),
        "the state of None": Hostile(inside(b"N}b"), "sets the state of NoneType"),
        "an attribute after the state": Hostile(
            whole(CLASSIFIER + b")\x81}\x94bh\0" + text("svc_") + b"Ns"), "after it has set them"
        ),
        "attributes after the state": Hostile(
            whole(SVC + b")\x81}\x94bh\0(" + text("C") + b"Nu"), "after it has set them"
        ),
        "a state of nothing": Hostile(whole(SVC + b")\x81Nb"), "a state of nothing"),
        "a dtype's state of nothing": Hostile(inside(DTYPE + b")RNb"), "a state of nothing"),
        "a frame in a frame": Hostile(
            whole(b"\x95\x0b" + bytes(7) + b"\x95\1" + bytes(7) + b"N"), "starts in another"
        ),
        "two frames over each other": Hostile(
            whole(b"\x95\x0a" + bytes(7) + b"N\x95\0" + bytes(7)), "starts in another"
        ),
        "a frame that ends in a number": Hostile(
            whole(b"\x95\2" + bytes(7) + b"J\0\0\0\0"), "ends within an opcode"
        ),
        "a frame that ends in a text": Hostile(
            whole(b"\x95\3" + bytes(7) + text("12345")), "ends within an opcode"
        ),
        "a state twice": Hostile(whole(SVC + b")\x81}b}b"), "state twice"),
        "the state of a dtype twice": Hostile(inside(DTYPE + b")R)b)b"), "state twice"),
    }


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

"""Model files that mean harm or are wrong, made by changing a good one; none is stored."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from digitsort.model.scanning import ALLOWED, MOST_BYTES, MOST_OPCODES
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


def hostile_files() -> dict[str, Hostile]:
    """All of them, by name."""
    groups = (
        _calls(),
        _opcodes(),
        _wrappings(),
        _streams(),
        _bombs(),
        _arrays(),
        _machines(),
        _cards(),
    )
    found = {name: case for group in groups for name, case in group.items()}
    assert len(found) == sum(map(len, groups)), "two cases have one name"
    return found


# --- a very small assembler -----------------------------------------------------------------------

HEAD = b"\x80\x04"


def text(value: str) -> bytes:
    """Opcodes that push a text."""
    data = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"X" + _u4(len(data)) + data


def named(module: str, name: str) -> bytes:
    """Opcodes that push what a module holds."""
    return text(module) + text(name) + b"\x93"


def call(module: str, name: str, *arguments: str) -> bytes:
    """Opcodes that call what a module holds with texts."""
    return named(module, name) + b"(" + b"".join(map(text, arguments)) + b"tR"


def _u4(number: int) -> bytes:
    return struct.pack("<I", number)


def whole(ops: bytes) -> Change:
    """A file of nothing but these opcodes."""
    return lambda _: HEAD + ops + b"."


def inside(ops: bytes) -> Change:
    """A good model with a further attribute that these opcodes make."""

    def make(good: bytes) -> bytes:
        marker = "put it here"
        data = unframed(changed(good, lambda model: setattr(model, "extra_", marker)))
        assert data.count(text(marker)) == 1
        return data.replace(text(marker), ops)

    return make


def unframed(data: bytes) -> bytes:
    """The same pickle without the opcodes that tell how much to read ahead."""
    places = [at for opcode, _, at in pickletools.genops(data) if opcode.name == "FRAME"]
    starts = [0, *(at + 9 for at in places if at is not None)]
    return b"".join(data[a:b] for a, b in zip(starts, [*places, len(data)], strict=True))


# --- changes of what a good model holds ------------------------------------------------------------


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


# --- the collection ---------------------------------------------------------------------------------

CALLABLES = """
    os.system posix.system nt.system os.popen os.execv os.unlink subprocess.Popen
    subprocess.check_output digitsort.load_model digitsort.sorting.apply.apply_plan
    builtins.eval builtins.exec builtins.compile builtins.open builtins.getattr builtins.__import__
    __builtin__.eval importlib.import_module runpy.run_path runpy.run_module pty.spawn webbrowser.open
    ctypes.CDLL socket.create_connection urllib.request.urlopen operator.attrgetter functools.partial
    types.FunctionType types.CodeType marshal.loads pickle.loads _pickle.loads shutil.rmtree
    timeit.timeit signal.raise_signal copyreg._reconstructor sys.setrecursionlimit
    code.interact cProfile.run numpy.load numpy.fromfile numpy.memmap numpy.f2py.compile joblib.load
    sklearn.datasets.fetch_openml pathlib.Path.unlink
""".split()

ALIASES = [
    ("digitsort", "DigitClassifier.fit"),
    ("digitsort.model.estimator", "DigitClassifier"),
    ("digitsort", "DigitClassifier.__init__.__globals__"),
    ("sklearn.svm", "SVC"),
    ("sklearn.svm._classes", "SVC.fit"),
    ("sklearn.svm._classes", "NuSVC"),
    ("numpy", "ndarray.tofile"),
    ("numpy", "core.multiarray._reconstruct"),
    ("numpy.core.multiarray", "fromfile"),
    ("numpy._core.multiarray", "_reconstruct.__call__"),
    ("numpy._corefake.multiarray", "scalar"),
    ("numpy.core", "multiarray.scalar"),
    ("NUMPY", "ndarray"),
    ("numpy ", "ndarray"),
    ("numpy\0", "dtype"),
    ("n\u0443mpy", "dtype"),  # a Cyrillic letter
    ("", "ndarray"),
    ("numpy", ""),
]


def _calls() -> dict[str, Hostile]:
    """Whatever could be called, by name: outside of a model and hidden in one."""
    found = {}
    for path in CALLABLES:
        module, name = path.rsplit(".", 1)
        says = rf"names {module}\.{name}, which no model does"
        found[f"call {path}"] = Hostile(whole(call(module, name, "true")), says)
        found[f"call {path} in a model"] = Hostile(inside(call(module, name, "true")), says)
    for module, name in ALIASES:
        found[f"alias {module!a} {name}"] = Hostile(
            inside(named(module, name)), "names .*no model does"
        )
    return found


ARGUMENTS = {
    "GLOBAL": b"os\nsystem\n",
    "INST": b"os\nsystem\n",
    "PERSID": b"0\n",
    "INT": b"7\n",
    "LONG": b"7L\n",
    "FLOAT": b"7\n",
    "STRING": b"'7'\n",
    "UNICODE": b"7\n",
    "GET": b"0\n",
    "PUT": b"0\n",
    "EXT1": b"\x01",
    "EXT2": b"\x01\0",
    "EXT4": b"\x01\0\0\0",
    "BINPUT": b"\0",
    "LONG_BINPUT": b"\xff\xff\xff\x7f",  # makes C's unpickler reserve 16 GiB
    "LONG4": b"\x01\0\0\0\x07",
    "BINSTRING": b"\x01\0\0\0x",
    "SHORT_BINSTRING": b"\x01x",
    "BINUNICODE8": b"\x01" + bytes(7) + b"x",
    "BINBYTES8": b"\x01" + bytes(7) + b"x",
    "BYTEARRAY8": b"\x01" + bytes(7) + b"x",
    "PROTO": b"\x04",
}


def _opcodes() -> dict[str, Hostile]:
    """Every opcode that no model has, before and inside of a good model, and bytes that are none."""
    found = {}
    for opcode in pickletools.opcodes:
        if opcode.name not in ALLOWED:
            ops = opcode.code.encode("latin-1") + ARGUMENTS.get(opcode.name, b"")
            says = rf"opcode {opcode.name}, no model does"
            found[f"opcode {opcode.name}"] = Hostile(whole(b"N" + ops), says)
            found[f"opcode {opcode.name} in a model"] = Hostile(inside(b"N" + ops), says)
    for byte in (0x00, 0x7F, 0xFF):
        found[f"byte {byte:#04x}"] = Hostile(
            whole(bytes([byte])), rf"opcode {byte:#04x}, no model does"
        )
    return found


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


def _wrappings() -> dict[str, Hostile]:
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


CLASSIFIER, SVC = named("digitsort", "DigitClassifier"), named("sklearn.svm._classes", "SVC")
DTYPE, NDARRAY = named("numpy", "dtype"), named("numpy", "ndarray")
DAMAGED = "damaged pickle"


def _streams() -> dict[str, Hostile]:
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
        "an object of an object": Hostile(whole(SVC + b")\x81)\x81"), "object of Made"),
        "an object with arguments": Hostile(whole(SVC + b"K\1\x85\x81"), "with arguments"),
        "an object with a dict": Hostile(whole(CLASSIFIER + b"}\x81"), "with arguments"),
        "a call of a text": Hostile(whole(text("os.system") + b")R"), "calls str"),
        "a call of a class": Hostile(whole(SVC + b")R"), "calls svc"),
        "a call of ndarray": Hostile(whole(NDARRAY + b")R"), "calls ndarray"),
        "a call of what was made": Hostile(whole(DTYPE + b")R)R"), "calls Made"),
        "arguments in a list": Hostile(whole(DTYPE + b"]R"), "arguments are no tuple"),
        "arguments in a text": Hostile(whole(DTYPE + text("f8") + b"R"), "arguments are no tuple"),
        "the state of a class": Hostile(whole(SVC + b"}b"), "sets the state of svc"),
        "the state of a text": Hostile(whole(text("x") + b"}b"), "sets the state of str"),
        "the state of None": Hostile(inside(b"N}b"), "sets the state of NoneType"),
        "a state twice": Hostile(whole(SVC + b")\x81}b}b"), "state twice"),
        "the state of a dtype twice": Hostile(inside(DTYPE + b")R)b)b"), "state twice"),
    }


def doubled(times: int) -> bytes:
    """Opcodes that turn the top of the stack, memoized as 0, into a pair of it and so on."""
    return b"".join(b"h" + bytes([n]) + b"\x86\x94" for n in range(times))


def big(size: int) -> bytes:
    """So many bytes behind an opcode that holds them."""
    return b"B" + _u4(size) + bytes(size)


BOMBS: dict[str, Hostile] = {
    "too large": Hostile(lambda _: HEAD + bytes(MOST_BYTES), "larger than 256 MiB"),
    "a byte too large": Hostile(lambda _: HEAD + b"N" * (MOST_BYTES - 1), "larger than 256 MiB"),
    "16 MiB of opcodes": Hostile(whole(b"N" * (16 * 2**20)), f"more than {MOST_OPCODES} opcodes"),
    "16 MiB of tuples": Hostile(whole(b")" + b"\x85" * (16 * 2**20)), "more than .* opcodes"),
    "16 MiB of marks": Hostile(whole(b"(" * (16 * 2**20)), "more than .* opcodes|nests"),
    "a line of 16 MiB": Hostile(whole(b"I" + b"9" * (16 * 2**20) + b"\n"), "opcode INT"),
    "a number of 16 MiB": Hostile(whole(b"\x8b" + _u4(16 * 2**20) + bytes(16 * 2**20)), "LONG4"),
    "a text of 16 MiB": Hostile(
        whole(b"X" + _u4(16 * 2**20) + b"x" * (16 * 2**20)), "BINUNICODE of 16777216 bytes"
    ),
    "a text that says it has 4 GiB": Hostile(whole(b"X\xff\xff\xff\xff"), "BINUNICODE of"),
    "bytes that say they have 4 GiB": Hostile(whole(b"B\xff\xff\xff\xff"), "BINBYTES of"),
    "bytes that say they have 16 EiB": Hostile(whole(b"\x8e" + b"\xff" * 8), "BINBYTES8"),
    "a memo that says it has 2 Gi": Hostile(whole(b"Nr\xff\xff\xff\x7f"), "LONG_BINPUT"),
    "a frame that says it has 16 EiB": Hostile(whole(b"\x95" + b"\xff" * 8), "is longer"),
    "a list doubled 200 times": Hostile(whole(b")\x94" + doubled(200)), "no DigitClassifier"),
    "an array of 16 MiB under another name": Hostile(
        lambda good: inside(big(16 * 2**20))(good)[:-1], "ends too early"
    ),
    "an array that says it has 2^200 vectors": Hostile(
        rawly("known_vectors_", shape=(2**62, 392)), "not as long as it says"
    ),
}
"""Refused by what they say, before they can take time or memory."""


def _bombs() -> dict[str, Hostile]:
    """Too many, too long, too deep; the large ones are in BOMBS."""
    return {
        "an opcode too many": Hostile(
            whole(b"]" + b"Na" * (MOST_OPCODES // 2)), "more than .* opcodes"
        ),
        "too many in a model": Hostile(inside(b"]" + b"Na" * MOST_OPCODES), "more than .* opcodes"),
        "33 marks": Hostile(whole(b"(" * 33 + b"N" + b"t" * 33), "nests more than 32"),
        "a deep tuple in a model": Hostile(inside(b"(" * 500 + b"t" * 500), "nests more than 32"),
        "a long text": Hostile(whole(b"X" + _u4(4097) + b"x" * 4097), "BINUNICODE of 4097"),
        "a long text in a model": Hostile(inside(text("x" * 5000)), "BINUNICODE of 5000"),
        "a long number": Hostile(whole(b"\x8a\x0a" + bytes(10)), "LONG1 of 10"),
        "the longest number": Hostile(whole(b"\x8a\xff" + b"\x7f" * 255), "LONG1 of 255"),
        "a self-holding list": Hostile(whole(b"]\x94h\0a"), "no DigitClassifier"),
        "a deep tuple": Hostile(whole(b")" + b"\x85" * (MOST_OPCODES - 10)), "no DigitClassifier"),
    }


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

MORE_CLASSES = ("classes_", "_n_support", "known_vectors_", "intercept_")


def _arrays() -> dict[str, Hostile]:
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
            lambda good: changed(good, lambda m: m.svc_.__dict__.pop("support_vectors_")), array
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
        "an array of version 0": Hostile(rawly("dual_coef_", version=0), "known version"),
        "an array of version 1.0": Hostile(rawly("dual_coef_", version=1.0), "known version"),
        "an order that is a number": Hostile(rawly("dual_coef_", fortran=1), "known order"),
        "an order that is a text": Hostile(rawly("dual_coef_", fortran="C"), "known order"),
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
        "turned": Hostile(mapped("dual_coef_", np.transpose), shape),
        "an empty array": Hostile(on_svc(_dual_coef_=np.zeros((0, 0))), shape),
        "fewer features": Hostile(mapped("support_vectors_", lambda a: a[:, :-1]), shape),
        "fewer intercepts": Hostile(mapped("intercept_", lambda a: a[:-1]), shape),
        "not a number": Hostile(both("dual_coef_", lambda a: a * np.nan), "numbers that are none"),
        "infinite": Hostile(both("intercept_", lambda a: a + np.inf), "numbers that are none"),
        "margins that are none": Hostile(
            mapped("known_margins_", lambda a: a * np.nan), "that are none"
        ),
    }


def longer_by(count: int) -> Callable[[Any], Any]:
    """Repeat the first row or column so many times more."""
    return lambda a: np.concatenate([a, np.repeat(a[:1], count, axis=0)])


def all_vectors(function: Callable[[Any], Any]) -> Change:
    return mapped("support_vectors_", function)


def raw_gamma(form: Any, data: Any) -> Change:
    """Numpy's scalar, pickled by hand."""
    return on_svc(_gamma=Raw(np.float64(1).__reduce__()[0], (form, data), None))


def _machines() -> dict[str, Hostile]:
    """Numbers of the right form that make no machine, or two different ones."""
    found = {
        f"{name} is {value!r}": Hostile(on_svc(**{name: value}), f"SVC's {name} is not")
        for name, value in (
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
    whole_numbers, ranged = "no whole numbers", "not within 0-4096"
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
        "counts below zero": Hostile(mapped("_n_support", lambda a: a * -1), "n_support is negative"),
        "counts of a million and minus one": Hostile(
            mapped("_n_support", lambda a: a + np.array([10**6, -(10**6), 0], "i4")), "negative"
        ),
        "no vectors": Hostile(mapped("_n_support", lambda a: a * 0), "0 support vectors, not 1"),
        "counts that overflow": Hostile(
            mapped("_n_support", lambda a: np.full_like(a, 2**31 - 1)), "6442450941 support vectors"
        ),
        "more vectors than the card says": Hostile(mapped("_n_support", lambda a: a + 1), fits),
        "fewer vectors than the card says": Hostile(on_card(support_vectors=1), fits),
        "half a vector": Hostile(all_vectors(lambda a: a * 0.5), whole_numbers),
        "half a known vector": Hostile(all_vectors(lambda a: a + 0.25), whole_numbers),
        "negative vectors": Hostile(all_vectors(lambda a: -a), ranged),
        "vectors that are none": Hostile(all_vectors(lambda a: a * np.nan), ranged),
        "infinite vectors": Hostile(all_vectors(lambda a: a + np.inf), ranged),
        "vectors that overflow": Hostile(all_vectors(lambda a: a * 1e300), ranged),
        "known vectors out of range": Hostile(
            mapped("known_vectors_", lambda a: np.full_like(a, 65535)), "known_vectors_ are not within"
        ),
        "long vectors": Hostile(all_vectors(lambda a: a * 2), "too long"),
        "long known vectors": Hostile(
            mapped("known_vectors_", lambda a: a * 2), "known_.* is too long"
        ),
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
        "gamma in words": Hostile(on_svc(_gamma="scale"), "gamma is no number"),
        "gamma that is whole": Hostile(on_svc(_gamma=1), "gamma is no number"),
        "gamma in an array": Hostile(on_svc(_gamma=np.ones(1)), "gamma is no number"),
        "gamma without data": Hostile(
            on_svc(_gamma=Raw(np.float64(1).__reduce__()[0], (np.dtype("f8"),), None)), "is no number"
        ),
        "gamma with too much": Hostile(
            on_svc(_gamma=Raw(np.float64(1).__reduce__()[0], (np.dtype("f8"), bytes(8), 1), None)),
            "gamma is no number",
        ),
        "gamma of four bytes": Hostile(on_svc(_gamma=np.float32(1)), "gamma is of type 'f4'"),
        "gamma of objects": Hostile(
            raw_gamma(raw_dtype("O8", (3, "|", None, None, None, -1, -1, 63)), b"\x01" * 8), "type 'O8'"
        ),
        "gamma too short": Hostile(raw_gamma(np.dtype("f8"), b"\0"), "gamma is not as long"),
        "gamma of text": Hostile(raw_gamma(np.dtype("f8"), "12345678"), "gamma is not as long"),
        "another gamma": Hostile(on_svc(_gamma=0.123), fits),
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


HUGE = 2**63
LONG_TEXT = "x" * 1025

WRONG_ENTRIES: dict[str, tuple[Any, ...]] = {
    "recipe": (None, 1, LONG_TEXT),
    "classes": ("014", ["0"], ["0", "0", "4"], [0, 1, 4], [str(i) for i in range(257)]),
    "data": ("digits", [None], ["x"] * 1025, [LONG_TEXT]),
    "counts": ([], {"0": 1.5}, {"0": -1}, {"0": HUGE}, {LONG_TEXT: 1}),
    "seed": (True, 0.5, -1, HUGE),
    "created": (None, 0, LONG_TEXT),
    "versions": ([], {"python": 3}, {"python": LONG_TEXT}),
    "C": (0.0, float("nan"), "10", 1e13),
    "gamma": (0.0, float("inf"), None),
    "support_vectors": (0, -1, 1.0, HUGE),
    "held_out_count": (-1, 1.0, None),
    "held_out_accuracy": (1.5, -0.5, "good"),
    "temperature": (0.0, float("nan"), 1e7),
    "min_confidence": (1.5, -0.1, None),
    "ok_familiarity": (1.5, -0.1, float("nan")),
    "min_familiarity": (1.5, -0.1, True),
    "splits": ([], {"fit": -1}, {"fit": "1"}),
    "folds": (0, -5, 1.0),
    "max_error": (1.5, -0.1, None),
    "certified_accepted": (-1, 1.5, HUGE),
    "certified_errors": (-1, 1.5, None),
    "certified_bound": (1.5, -0.1, "none"),
    "fingerprint": ("abc", None, "z" * 64, "A" * 64),
}

WRONG_CLASS_NAMES = {
    "../../etc": "name of a folder",
    "a/b": "name of a folder",
    "..": "name of a folder",
    ".hidden": "name of a folder",
    "_uncertain": "name of a folder",
    "": "name of a folder",
    " 7": "name of a folder",
    "7\n8": "name of a folder",
    "\x1b[2J": "name of a folder",
    "C:": "name of a folder",
    "x" * 256: "name of a folder",
    "x" * 65: "more than 64 characters",
    '=HYPERLINK("x")': "name of a folder",
    "=1+1": "a formula",
    "@SUM(A1)": "a formula",
    "\uff1d1": "a formula",
}


def _cards() -> dict[str, Hostile]:
    """Cards that are not as they should be."""
    found = {
        f"card: {name} is {str(value)[:40]!a}": Hostile(on_card(**{name: value}), f"{name} is not what")
        for name, values in WRONG_ENTRIES.items()
        for value in values
    }
    for name, says in WRONG_CLASS_NAMES.items():
        found[f"class {name[:70]!a}"] = Hostile(on_card(classes=["0", "1", name]), says)
    return found | {
        "an entry too few": Hostile(
            lambda good: changed(good, lambda m: m.card_.pop("seed")), "entries that it should"
        ),
        "an entry too many": Hostile(on_card(more=1), "entries that it should"),
        "another recipe": Hostile(on_card(recipe="moments-99/1"), "recipe moments-99/1"),
        "a recipe with an escape": Hostile(on_card(recipe="\x1b[2J"), r"recipe \\x1b\[2J"),
    }

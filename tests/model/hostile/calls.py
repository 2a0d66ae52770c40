"""Whatever could be called, and opcodes that no model has."""

from __future__ import annotations

import pickletools

from digitsort.model.inert_pickle import ALLOWED
from tests.model.hostile.case import Hostile, call, inside, named, whole

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


def calls() -> dict[str, Hostile]:
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


def opcodes() -> dict[str, Hostile]:
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

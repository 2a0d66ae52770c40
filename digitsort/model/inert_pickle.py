"""Read a pickle as inert data, within limits: nothing is imported, called or run.

`scan` splits it into opcodes. This is the loop of `pickletools.genops`, but an opcode is looked at
before its argument is read: a line of 256 MiB after an opcode that no model has costs nothing.

`assemble` puts the opcodes together. A name in the file becomes a member of `Global`, and a call
becomes a `Requested` with its arguments. No step recurses into a value, hashes it or compares it,
except for text.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from digitsort.errors import require
from digitsort.files.names import printable

PROTOCOL = 4
"""Pickle protocol of model files. Older Pythons and numpys read it; protocol 5 would tie the arrays to
numpy's newer module names."""

MOST_BYTES = 256 * 2**20
MOST_OPCODES = 5_000
"""A model of ten classes has 760, one of 256 classes 1,800."""

LONGEST_TEXT_BYTES = 4096
LONGEST_INTEGER_BYTES = 9

_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}

_BARE = frozenset(
    """
    STOP MARK MEMOIZE EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT SETITEM SETITEMS
    EMPTY_LIST APPEND APPENDS NONE NEWTRUE NEWFALSE STACK_GLOBAL NEWOBJ REDUCE BUILD
    """.split()
)

_NUMBERS = {
    "FRAME": struct.Struct("<Q"),
    "BINGET": struct.Struct("<B"),
    "LONG_BINGET": struct.Struct("<I"),
    "BININT": struct.Struct("<i"),
    "BININT1": struct.Struct("<B"),
    "BININT2": struct.Struct("<H"),
    "BINFLOAT": struct.Struct(">d"),
}

_COUNTED = {
    "LONG1": struct.Struct("<B"),
    "SHORT_BINUNICODE": struct.Struct("<B"),
    "BINUNICODE": struct.Struct("<I"),
    "SHORT_BINBYTES": struct.Struct("<B"),
    "BINBYTES": struct.Struct("<I"),
}
"""Format of the length of opcodes with a payload of any length."""

_LONGEST = {"LONG1": LONGEST_INTEGER_BYTES, "BINUNICODE": LONGEST_TEXT_BYTES}

ALLOWED = _BARE | _NUMBERS.keys() | _COUNTED.keys()

Argument = int | float | str | memoryview | None

_TOO_SHORT = "It is a damaged pickle, which ends too early"

_STARTS = (
    (b"\x1f\x8b", "is compressed with gzip: unpack it first"),
    (b"BZh", "is compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "is compressed with xz: unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive: unpack it first"),
    (b"\x80", f"is a pickle, but not of protocol {PROTOCOL}"),
)


class Opcode(NamedTuple):
    """One step of a pickle; bytes are a view into the file."""

    name: str
    argument: Argument


def scan(data: bytes) -> list[Opcode]:
    """Split a pickle into its opcodes.

    Raises
    ------
    ModelError
        For an opcode that no model has, for too many or too long ones, and unless the first STOP is the
        last byte.
    """
    require(len(data) <= MOST_BYTES, f"It is larger than {MOST_BYTES >> 20} MiB")
    require(data[:2] == bytes((0x80, PROTOCOL)), f"It {_what_starts(data)}")
    view = memoryview(data)
    opcodes: list[Opcode] = []
    at, frame_end = 2, 0
    while not (opcodes and opcodes[-1].name == "STOP"):
        require(len(opcodes) < MOST_OPCODES, f"It holds more than {MOST_OPCODES} opcodes")
        start = at
        opcode, at = _next(view, start)
        frame_end = _check_frame(opcode, start, at, frame_end)
        opcodes.append(opcode)
    require(at == len(data), "Something follows the end of the model")
    return opcodes


def _check_frame(opcode: Opcode, start: int, end: int, frame_end: int) -> int:
    """Return where the frame ends that the next opcode lies in.

    Python's own readers differ on frames that do not match the opcodes, so these are refused.
    """
    inside = start < frame_end
    if opcode.name == "FRAME":
        require(not inside, "It is a damaged pickle: a FRAME starts in another one")
        return end + int(opcode.argument)  # type: ignore[arg-type]
    require(not inside or end <= frame_end, "It is a damaged pickle: a FRAME ends within an opcode")
    return frame_end


def _next(view: memoryview, at: int) -> tuple[Opcode, int]:
    """Return the opcode at a position, and the position of the next one."""
    require(at < len(view), _TOO_SHORT)
    name = _NAMES.get(view[at], f"{view[at]:#04x}")
    require(name in ALLOWED, f"It holds the pickle opcode {name}, no model does")
    if name in _NUMBERS:
        number, end = _unpack(_NUMBERS[name], view, at + 1)
        if name == "FRAME":
            require(
                number <= len(view) - end, "It is a damaged pickle: a FRAME is longer than the file"
            )
        return Opcode(name, number), end
    if name in _COUNTED:
        length, start = _unpack(_COUNTED[name], view, at + 1)
        longest = _LONGEST.get(name, MOST_BYTES)
        require(length <= longest, f"It holds a {name} of {length} bytes, more than {longest}")
        require(
            length <= len(view) - start, f"It is a damaged pickle: a {name} is longer than the file"
        )
        end = start + int(length)
        return Opcode(name, _decode(name, view[start:end])), end
    return Opcode(name, None), at + 1


def _unpack(form: struct.Struct, view: memoryview, at: int) -> tuple[int | float, int]:
    require(at + form.size <= len(view), _TOO_SHORT)
    (number,) = form.unpack_from(view, at)
    return number, at + form.size


def _decode(name: str, payload: memoryview) -> Argument:
    if name == "LONG1":
        return int.from_bytes(payload, "little", signed=True)
    if name.endswith("BYTES"):
        return payload
    text = str(payload, "utf-8", "replace")
    require(text.encode() == payload, "It holds text that is not UTF-8")
    return text


def _what_starts(data: bytes) -> str:
    for start, what in _STARTS:
        if data.startswith(start):
            return what
    return "is no pickle" if data else "is empty"


MOST_MARKS = 32
"""Largest number of containers that are open at a time; a model has four."""

_DAMAGED = "It is a damaged pickle"


class Global(Enum):
    """Global names that a model's pickle may contain; nothing is imported."""

    CLASSIFIER = auto()
    SVC = auto()
    NDARRAY = auto()
    DTYPE = auto()
    RECONSTRUCT = auto()
    SCALAR = auto()


GLOBALS = {
    ("digitsort", "DigitClassifier"): Global.CLASSIFIER,
    ("sklearn.svm._classes", "SVC"): Global.SVC,
    ("numpy", "ndarray"): Global.NDARRAY,
    ("numpy", "dtype"): Global.DTYPE,
    # numpy 2 moved numpy.core to numpy._core
    ("numpy.core.multiarray", "_reconstruct"): Global.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): Global.RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): Global.SCALAR,
    ("numpy._core.multiarray", "scalar"): Global.SCALAR,
}
"""By module and name, exactly."""

_OBJECTS = (Global.CLASSIFIER, Global.SVC)
_RESULTS = (Global.DTYPE, Global.RECONSTRUCT, Global.SCALAR)


@dataclass(slots=True, eq=False)
class Requested:
    """Object that the file asks for: its class, its arguments and its state, as inert data."""

    of: Global
    arguments: tuple[object, ...]
    state: object = None


def assemble(opcodes: Sequence[Opcode]) -> object:
    """Carry out a scanned pickle.

    Returns
    -------
    str, int, float, bool, None, memoryview, tuple, list, dict, Global or Requested

    Raises
    ------
    ModelError
        For a name that no model has, and for opcodes that don't fit together.
    """
    machine = _Machine()
    for name, argument in opcodes:
        _STEPS[name](machine, argument)
    (root,) = machine.stack
    return root


class _Machine:
    """The stack, the marks on it and the memo of a pickle that is read.

    `states` holds the dicts that were set as a state. Python copies them at that moment, so it would
    not see an item that is added later.
    """

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: list[object] = []
        self.states: list[dict[str, object]] = []

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self, count: int) -> list[object]:
        """Take `count` values from the stack, none from below the last mark."""
        floor = self.marks[-1] if self.marks else 0
        start = len(self.stack) - count
        require(start >= floor, f"{_DAMAGED}: an opcode takes more than there is")
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def pop_to_mark(self) -> list[object]:
        require(bool(self.marks), f"{_DAMAGED}: a mark is missing")
        return self.pop(len(self.stack) - self.marks.pop())

    def top(self) -> object:
        (value,) = self.pop(1)
        self.push(value)
        return value


def _push_argument(machine: _Machine, argument: Argument) -> None:
    machine.push(argument)


def _pusher(make: Callable[[], object]) -> Callable[[_Machine, Argument], None]:
    return lambda machine, _: machine.push(make())


def _nothing(machine: _Machine, _: Argument) -> None:
    """Do nothing: a frame only tells how much to read ahead."""


def _mark(machine: _Machine, _: Argument) -> None:
    require(len(machine.marks) < MOST_MARKS, f"It nests more than {MOST_MARKS} containers")
    machine.marks.append(len(machine.stack))


def _memoize(machine: _Machine, _: Argument) -> None:
    machine.memo.append(machine.top())


def _get(machine: _Machine, index: Argument) -> None:
    known = type(index) is int and index < len(machine.memo)
    require(known, f"{_DAMAGED}: it refers to what it does not hold")
    machine.push(machine.memo[index])  # type: ignore[index]


def _tuple_of(count: int) -> Callable[[_Machine, Argument], None]:
    return lambda machine, _: machine.push(tuple(machine.pop(count)))


def _tuple(machine: _Machine, _: Argument) -> None:
    machine.push(tuple(machine.pop_to_mark()))


def _append(machine: _Machine, _: Argument) -> None:
    _extend(machine, machine.pop(1))


def _appends(machine: _Machine, _: Argument) -> None:
    _extend(machine, machine.pop_to_mark())


def _extend(machine: _Machine, values: list[object]) -> None:
    target = machine.top()
    require(type(target) is list, f"{_DAMAGED}: it appends to what is no list")
    target.extend(values)  # type: ignore[attr-defined]


def _setitem(machine: _Machine, _: Argument) -> None:
    _update(machine, machine.pop(2))


def _setitems(machine: _Machine, _: Argument) -> None:
    _update(machine, machine.pop_to_mark())


def _update(machine: _Machine, values: list[object]) -> None:
    target = machine.top()
    require(type(target) is dict, f"{_DAMAGED}: it sets items of what is no dict")
    require(len(values) % 2 == 0, f"{_DAMAGED}: a key has no value")
    open_ = not any(target is state for state in machine.states)
    require(open_, "It changes attributes after it has set them, no model does")
    for key, value in zip(values[::2], values[1::2], strict=False):
        require(type(key) is str, "It holds a key that is no text, no model does")
        require(key not in target, f"It holds {printable(str(key))} twice")  # type: ignore[operator]
        target[key] = value  # type: ignore[index]


def _global(machine: _Machine, _: Argument) -> None:
    module, name = machine.pop(2)
    require(type(module) is str and type(name) is str, "It names something by what is no text")
    shown = printable(f"{module}.{name}")
    require((module, name) in GLOBALS, f"It names {shown}, which no model does")
    machine.push(GLOBALS[module, name])  # type: ignore[index]


def _newobj(machine: _Machine, _: Argument) -> None:
    of, arguments = machine.pop(2)
    require(type(of) is Global and of in _OBJECTS, f"It makes an object of {_shown(of)}, no model does")
    require(arguments == (), f"It makes an object of {_shown(of)} with arguments, no model does")
    machine.push(Requested(of, ()))  # type: ignore[arg-type]


def _reduce(machine: _Machine, _: Argument) -> None:
    of, arguments = machine.pop(2)
    require(type(of) is Global and of in _RESULTS, f"It calls {_shown(of)}, no model does")
    require(type(arguments) is tuple, f"{_DAMAGED}: arguments are no tuple")
    machine.push(Requested(of, arguments))  # type: ignore[arg-type]


def _build(machine: _Machine, _: Argument) -> None:
    (state,) = machine.pop(1)
    target = machine.top()
    require(type(target) is Requested, f"It sets the state of {_shown(target)}, no model does")
    require(state is not None, "It sets a state of nothing, no model does")
    require(target.state is None, "It sets a state twice, no model does")  # type: ignore[attr-defined]
    target.state = state  # type: ignore[attr-defined]
    if type(state) is dict:
        machine.states.append(state)


def _stop(machine: _Machine, _: Argument) -> None:
    whole = len(machine.stack) == 1 and not machine.marks
    require(whole, f"{_DAMAGED}: it does not end with one object")


def _shown(value: object) -> str:
    """Return the name of a `Global`, or the type of any other value."""
    return value.name.lower() if isinstance(value, Global) else type(value).__name__


_STEPS: dict[str, Callable[[_Machine, Argument], None]] = {
    "FRAME": _nothing,
    "STOP": _stop,
    "MARK": _mark,
    "MEMOIZE": _memoize,
    "BINGET": _get,
    "LONG_BINGET": _get,
    "NONE": _pusher(lambda: None),
    "NEWTRUE": _pusher(lambda: True),
    "NEWFALSE": _pusher(lambda: False),
    "EMPTY_TUPLE": _pusher(tuple),
    "EMPTY_LIST": _pusher(list),
    "EMPTY_DICT": _pusher(dict),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": _tuple,
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _setitem,
    "SETITEMS": _setitems,
    "STACK_GLOBAL": _global,
    "NEWOBJ": _newobj,
    "REDUCE": _reduce,
    "BUILD": _build,
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), _push_argument),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES"), _push_argument),
}

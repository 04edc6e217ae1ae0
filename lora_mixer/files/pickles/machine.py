"""Parse a pickle into a description, opcode by opcode, without importing, calling or allocating on its behalf.

Opcodes as in CPython's `pickletools`. Texts and numbers are bounded by the bytes that spell them; whatever a short
opcode could make much of (containers, remembered values) is counted against a budget.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lora_mixer.files.pickles.words import UNSEEN, ClassName, Parameters, PickleError, Storage, call, kept, new, word

_LARGEST_KEY = 1 << 53
_YES, _NO = True, False
_ENDS_EARLY = "the pickle ends early"


@dataclass(frozen=True, slots=True)
class Described:
    """What a pickle describes, where it ends in the bytes, and its storages by key, as first described."""

    value: object
    end: int
    storages: Mapping[str, Storage]


def read_pickle(data: bytes, at: int, values: int) -> Described:
    """Return what a pickle describes.

    Args:
        data: Bytes with the pickle in them.
        at: Where it begins.
        values: How many values it may make on the way.

    Raises:
        PickleError: It is no pickle of tensors and plain values, or makes more values than that.
    """
    machine = _Machine(data, at, values)
    while True:
        code = machine.byte()
        if code == 0x2E:  # STOP
            return Described(machine.pop(), machine.at, machine.storages)
        step = _STEPS.get(code)
        if step is None:
            raise PickleError(f"the pickle has an opcode 0x{code:02x}, which no file of torch.save has")
        step(machine)


class _Machine:
    """The stack and memo of one pickle."""

    def __init__(self, data: bytes, at: int, values: int) -> None:
        self.data = data
        self.at = at
        self.storages: dict[str, Storage] = {}
        self._left = values
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def byte(self) -> int:
        if self.at >= len(self.data):
            raise PickleError(_ENDS_EARLY)
        self.at += 1
        return self.data[self.at - 1]

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise PickleError(_ENDS_EARLY)
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + 1000)
        if end < 0:
            raise PickleError(_ENDS_EARLY)
        text = self.data[self.at : end]
        self.at = end + 1
        return _decoded(text)

    def count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise PickleError("the pickle makes far more values than a file of tensors has")

    def push(self, value: object) -> None:
        self.count()
        self._stack.append(value)

    def pop(self) -> object:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise PickleError("the pickle takes a value that is not there")
        return self._stack.pop()

    def top(self) -> object:
        value = self.pop()
        self._stack.append(value)
        return value

    def mark(self) -> None:
        self.count()
        self._marks.append(len(self._stack))

    def since_mark(self) -> list[object]:
        if not self._marks:
            raise PickleError("the pickle goes back to a mark that is not there")
        begin = self._marks.pop()
        values = self._stack[begin:]
        del self._stack[begin:]
        return values

    def remember(self, place: int) -> None:
        self.count()
        self._memo[place] = self.top()

    def remember_next(self) -> None:
        self.remember(len(self._memo))

    def recall(self, place: int) -> None:
        if place not in self._memo:
            raise PickleError("the pickle recalls a value that it never made")
        self.push(self._memo[place])


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PickleError("a text in the pickle is not UTF-8") from error


def _old_text(text: bytes) -> object:
    """Return a text that Python 2 wrote, as text if it is ASCII."""
    return text.decode("ascii") if text.isascii() else text


def _append(machine: _Machine, values: list[object]) -> None:
    target = machine.top()
    if isinstance(target, list):
        target.extend(values)
    elif target is not UNSEEN:
        raise PickleError("the pickle appends to what is no list")


def _set(machine: _Machine, values: list[object]) -> None:
    target = machine.top()
    if target is UNSEEN:
        return
    if not isinstance(target, dict) or len(values) % 2:
        raise PickleError("the pickle sets an entry of what is no table")
    for key, value in zip(values[::2], values[1::2], strict=True):
        # Nothing whose digest could take long, or be the same for many: dictionaries would grow slow.
        if not isinstance(key, str | bytes | bool | ClassName) and not (type(key) is int and abs(key) < _LARGEST_KEY):
            raise PickleError("a table in the pickle has a key that is no text or number")
        target[key] = value


def _set_one(machine: _Machine) -> None:
    value = machine.pop()
    key = machine.pop()
    _set(machine, [key, value])


def _new_table(machine: _Machine) -> None:
    values = machine.since_mark()
    machine.push({})
    _set(machine, values)


def _tuple(machine: _Machine, count: int) -> None:
    values = [machine.pop() for _ in range(count)]
    machine.push(tuple(reversed(values)))


def _build(machine: _Machine) -> None:
    """Give an object its attributes: only a `ParameterDict` keeps its tensors there."""
    state = machine.pop()
    target = machine.top()
    if isinstance(target, Parameters):
        inner = state.get("_parameters") if isinstance(state, dict) else None
        if target or not isinstance(inner, dict):
            raise PickleError("a ParameterDict in the pickle has no parameters")
        for _ in inner:
            machine.count()
        target.update(inner)
    elif not isinstance(target, dict) and target is not UNSEEN:
        raise PickleError("the pickle gives attributes to a value that has none")


def _frozen(machine: _Machine) -> None:
    machine.since_mark()
    machine.push(UNSEEN)


def _named(machine: _Machine) -> None:
    name = machine.pop()
    module = machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise PickleError("the pickle asks for a class by what is no name")
    machine.push(word(module, name))


def _global(machine: _Machine) -> None:
    module = machine.line()
    machine.push(word(module, machine.line()))


def _reduce(machine: _Machine) -> None:
    arguments = machine.pop()
    machine.push(call(machine.pop(), arguments))


def _keep(machine: _Machine) -> None:
    value = kept(machine.pop())
    if isinstance(value, Storage):
        machine.storages.setdefault(value.key, value)
    machine.push(value)


def _object(machine: _Machine) -> None:
    machine.pop()
    kind = machine.pop()
    machine.push(new(kind))


def _object_ex(machine: _Machine) -> None:
    machine.pop()
    _object(machine)


def _unsafe(_machine: _Machine) -> None:
    raise PickleError("reading this file could run code that is in it", unsafe=True)


def _protocol(machine: _Machine) -> None:
    if not 2 <= (version := machine.byte()) <= 5:
        raise PickleError(f"the pickle is of a version {version}, which there is not")


def _integer(machine: _Machine) -> None:
    machine.push(int.from_bytes(machine.take(machine.byte()), "little", signed=True))


_STEPS: Mapping[int, Callable[[_Machine], object]] = MappingProxyType(
    {
        ord("("): _Machine.mark,
        ord("0"): _Machine.pop,
        ord("1"): _Machine.since_mark,
        ord("N"): lambda m: m.push(None),
        ord("J"): lambda m: m.push(m.number("<i")),
        ord("K"): lambda m: m.push(m.byte()),
        ord("M"): lambda m: m.push(m.number("<H")),
        ord("G"): lambda m: m.push(m.number(">d")),
        ord("X"): lambda m: m.push(_decoded(m.take(m.number("<I")))),
        ord("U"): lambda m: m.push(_old_text(m.take(m.byte()))),
        ord("T"): lambda m: m.push(_old_text(m.take(m.number("<I")))),
        ord("B"): lambda m: m.push(m.take(m.number("<I"))),
        ord("C"): lambda m: m.push(m.take(m.byte())),
        ord(")"): lambda m: m.push(()),
        ord("t"): lambda m: m.push(tuple(m.since_mark())),
        ord("]"): lambda m: m.push([]),
        ord("l"): lambda m: m.push(m.since_mark()),
        ord("a"): lambda m: _append(m, [m.pop()]),
        ord("e"): lambda m: _append(m, m.since_mark()),
        ord("}"): lambda m: m.push({}),
        ord("d"): _new_table,
        ord("s"): _set_one,
        ord("u"): lambda m: _set(m, m.since_mark()),
        ord("h"): lambda m: m.recall(m.byte()),
        ord("j"): lambda m: m.recall(m.number("<I")),
        ord("q"): lambda m: m.remember(m.byte()),
        ord("r"): lambda m: m.remember(m.number("<I")),
        ord("c"): _global,
        ord("R"): _reduce,
        ord("b"): _build,
        ord("Q"): _keep,
        ord("i"): _unsafe,
        ord("o"): _unsafe,
        0x80: _protocol,
        0x81: _object,
        0x82: _unsafe,
        0x83: _unsafe,
        0x84: _unsafe,
        0x85: lambda m: _tuple(m, 1),
        0x86: lambda m: _tuple(m, 2),
        0x87: lambda m: _tuple(m, 3),
        0x88: lambda m: m.push(_YES),
        0x89: lambda m: m.push(_NO),
        0x8A: _integer,
        0x8C: lambda m: m.push(_decoded(m.take(m.byte()))),
        0x8D: lambda m: m.push(_decoded(m.take(m.number("<Q")))),
        0x8E: lambda m: m.push(m.take(m.number("<Q"))),
        0x8F: lambda m: m.push(UNSEEN),
        0x90: lambda m: _append(m, m.since_mark()),
        0x91: _frozen,
        0x92: _object_ex,
        0x93: _named,
        0x94: _Machine.remember_next,
        0x95: lambda m: m.take(8),
    }
)

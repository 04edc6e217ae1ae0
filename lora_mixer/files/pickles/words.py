"""The meaning of names in torch's pickles, as plain descriptions: no class is looked up, no function called.

Source: `torch/_utils.py` (the `_rebuild_*` functions and their arguments), `torch/serialization.py` (persistent ids)
and `torch/_weights_only_unpickler.py` (which words an honest file may hold).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

DTYPES = MappingProxyType(
    {
        "float64": "F64",
        "float32": "F32",
        "float16": "F16",
        "bfloat16": "BF16",
        "float8_e4m3fn": "F8_E4M3",
        "float8_e5m2": "F8_E5M2",
        "int64": "I64",
        "int32": "I32",
        "int16": "I16",
        "int8": "I8",
        "uint64": "U64",
        "uint32": "U32",
        "uint16": "U16",
        "uint8": "U8",
        "bool": "BOOL",
    }
)
"""torch's name of a dtype -> safetensors'."""

STORAGES = MappingProxyType(
    {
        "DoubleStorage": "F64",
        "FloatStorage": "F32",
        "HalfStorage": "F16",
        "BFloat16Storage": "BF16",
        "LongStorage": "I64",
        "IntStorage": "I32",
        "ShortStorage": "I16",
        "CharStorage": "I8",
        "ByteStorage": "U8",
        "BoolStorage": "BOOL",
        "UntypedStorage": "U8",
    }
)
"""torch's name of a storage class -> the dtype of its elements."""

NOT_PLAIN = MappingProxyType(
    {
        "_rebuild_sparse_tensor": "a sparse tensor",
        "_rebuild_meta_tensor_no_storage": "a tensor without data (meta)",
        "_rebuild_qtensor": "a quantised tensor",
        "_rebuild_nested_tensor": "a nested tensor",
        "_rebuild_wrapper_subclass": "a tensor of a special class",
        "_rebuild_device_tensor_from_numpy": "a tensor of a special device",
        "_rebuild_device_tensor_from_cpu_tensor": "a tensor of a special device",
    }
)

_TORCH = frozenset({"torch", "torch.cuda", "torch.storage"})
_OTHER_DTYPES = frozenset(
    {
        "complex32",
        "complex64",
        "complex128",
        "float8_e4m3fnuz",
        "float8_e5m2fnuz",
        "float8_e8m0fnu",
        "float4_e2m1fn_x2",
        "quint8",
        "qint8",
        "qint32",
        "quint4x2",
        "quint2x4",
    }
)

_HARMLESS = frozenset(
    {
        "collections.Counter",
        "torch.device",
        "torch.serialization._get_layout",
        "torch.per_tensor_affine",
        "torch.per_tensor_symmetric",
        "torch.per_channel_affine",
        "torch.per_channel_symmetric",
        "torch.per_channel_affine_float_qparams",
        "_codecs.encode",
        "builtins.bytearray",
        "builtins.set",
        "builtins.complex",
        "__builtin__.bytearray",
        "__builtin__.set",
        "__builtin__.complex",
    }
)
"""Names of values that are ignored here."""


class PickleError(Exception):
    """A pickle that cannot be used; the reader adds the file and turns it into a `FileError`."""

    def __init__(self, what: str, *, unsafe: bool = False) -> None:
        self.unsafe = unsafe
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class ClassName:
    """A name of a class or function."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """An ignored value."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of elements, somewhere in the file: `key` says where. All but `key` counted in elements."""

    key: str
    dtype: str
    numel: int
    begin: int = 0
    whole: int = 0


@dataclass(frozen=True, slots=True)
class PickledTensor:
    """A tensor as the pickle describes it; nothing of it is checked yet but the types."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Parameters(dict[object, object]):
    """torch's `ParameterDict`, which keeps its tensors in an attribute."""


UNSEEN = Unseen()


def word(module: str, name: str) -> ClassName:
    """Return what a pickle names.

    Raises:
        PickleError: It is nothing that a file of tensors needs, so whoever unpickles the file could run code.
    """
    if module in _TORCH and (name in _OTHER_DTYPES or (name.endswith("Storage") and name not in STORAGES)):
        raise PickleError(f"it holds numbers of a type that is not known here, {name[:40]!r}")
    known = (
        f"{module}.{name}" in _CALLS
        or f"{module}.{name}" in _HARMLESS
        or (module in _TORCH and name in STORAGES)
        or (module == "torch" and name in DTYPES)
        or (module == "torch._utils" and name in NOT_PLAIN)
        or (module, name) in {("torch", "Tensor"), ("torch.nn.modules.container", "ParameterDict")}
    )
    if not known:
        raise PickleError(
            f"reading this file could run code that is in it: it asks for {f'{module}.{name}'[:80]!r}", unsafe=True
        )
    return ClassName(module, name)


def call(function: object, arguments: object) -> object:
    """Return the description of what a call in the pickle makes.

    Raises:
        PickleError: It is nothing that can be called, or not with these arguments.
    """
    if not isinstance(function, ClassName) or type(arguments) is not tuple:
        raise PickleError("the pickle calls what cannot be called")
    if function.module == "torch._utils" and function.name in NOT_PLAIN:
        raise PickleError(f"it holds {NOT_PLAIN[function.name]}")
    name = f"{function.module}.{function.name}"
    made = _CALLS.get(name)
    if made is not None:
        return made(*_first(arguments, _ARGUMENTS[name]))
    if name in _HARMLESS:
        return UNSEEN
    raise PickleError(f"the pickle calls {name}")


def new(kind: object) -> object:
    """Return the description of a new object of a class."""
    if kind == ClassName("torch.nn.modules.container", "ParameterDict"):
        return Parameters()
    if kind == ClassName("collections", "OrderedDict"):
        return {}
    if isinstance(kind, ClassName) and f"{kind.module}.{kind.name}" in _HARMLESS:
        return UNSEEN
    raise PickleError("the pickle makes an object of a class that has no place in it")


def kept(value: object) -> object:
    """Return what a persistent id stands for: a storage, or a class that was saved with its source text."""
    if type(value) is not tuple or not value:
        raise PickleError("a persistent id is not a tuple")
    if value[0] == "module" and len(value) > 1 and isinstance(value[1], ClassName):
        return value[1]
    if value[0] != "storage" or len(value) not in {5, 6}:
        raise PickleError("a persistent id names no storage")
    _, kind, key, location, numel, *view = value
    if not isinstance(kind, ClassName) or kind.name not in STORAGES:
        raise PickleError("a storage is of no known type")
    if type(key) is not str or len(key) > 200 or type(location) is not str or location.startswith("meta"):
        raise PickleError("a storage has no place in the file")
    return _viewed(Storage(key, STORAGES[kind.name], _natural(numel), 0, _natural(numel)), view)


def _viewed(storage: Storage, view: list[object]) -> Storage:
    """Return the part of a storage that old files' (key, offset, size) says."""
    if not view or view[0] is None:
        return storage
    part = view[0]
    if type(part) is not tuple or len(part) != 3:
        raise PickleError("a view of a storage is not its key, offset and size")
    begin, size = _natural(part[1]), _natural(part[2])
    if begin + size > storage.whole:
        raise PickleError("a view reaches beyond its storage")
    return Storage(storage.key, storage.dtype, size, begin, storage.whole)


def _natural(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise PickleError("a size or offset is no whole number")
    return value


def _naturals(values: object) -> tuple[int, ...]:
    if type(values) not in {tuple, list} or len(values) > 64:  # type: ignore[arg-type]
        raise PickleError("a shape is no short list of whole numbers")
    return tuple(map(_natural, values))  # type: ignore[call-overload]


def _first(arguments: tuple[object, ...], count: int) -> tuple[object, ...]:
    if len(arguments) < count:
        raise PickleError("the pickle calls a function with too few arguments")
    return arguments[:count]


def _tensor(storage: object, offset: object, shape: object, strides: object) -> PickledTensor:
    if not isinstance(storage, Storage):
        raise PickleError("a tensor has no storage")
    return PickledTensor(storage, storage.dtype, _natural(offset), _naturals(shape), _naturals(strides))


def _typed(storage: object, offset: object, shape: object, strides: object, *rest: object) -> PickledTensor:
    plain = _tensor(storage, offset, shape, strides)
    dtype = rest[2]
    if not isinstance(dtype, ClassName) or dtype.name not in DTYPES:
        raise PickleError("a tensor is of no known type")
    return PickledTensor(plain.storage, DTYPES[dtype.name], plain.offset, plain.shape, plain.strides)


def _parameter(data: object) -> PickledTensor:
    if not isinstance(data, PickledTensor):
        raise PickleError("a parameter is no tensor")
    return data


def _of_type(function: object, kind: object, arguments: object) -> object:
    if (
        not isinstance(function, ClassName)
        or not function.name.startswith("_rebuild_")
        or function.module != "torch._utils"
    ):
        raise PickleError("a tensor is made in a way that is not known")
    if not isinstance(kind, ClassName) or kind.name not in {"Tensor", "Parameter"}:
        raise PickleError("it holds a tensor of a special class")
    return call(function, arguments)


def _size(values: object) -> tuple[int, ...]:
    return _naturals(values)


def _table() -> dict[object, object]:
    return {}


_CALLS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        "torch._utils._rebuild_tensor": _tensor,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_tensor_v3": _typed,
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_parameter_with_state": _parameter,
        "torch._tensor._rebuild_from_type_v2": _of_type,
        "torch.nn.parameter.Parameter": _parameter,
        "torch.Size": _size,
        "collections.OrderedDict": _table,
    }
)
_ARGUMENTS = MappingProxyType(
    {
        "torch._utils._rebuild_tensor": 4,
        "torch._utils._rebuild_tensor_v2": 4,
        "torch._utils._rebuild_tensor_v3": 7,
        "torch._utils._rebuild_parameter": 1,
        "torch._utils._rebuild_parameter_with_state": 1,
        "torch._tensor._rebuild_from_type_v2": 3,
        "torch.nn.parameter.Parameter": 1,
        "torch.Size": 1,
        "collections.OrderedDict": 0,
    }
)
"""How many of its arguments a function is described by; the rest (hooks, gradients) says nothing of the values."""

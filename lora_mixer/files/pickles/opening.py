"""Open torch.save files (`.pt`, `.ckpt`, `.bin`) by parsing their pickles, without executing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from lora_mixer.errors import BrokenFileError, FileError, UnsafeFileError
from lora_mixer.files.door import open_file, unreadable
from lora_mixer.files.foreign import detect
from lora_mixer.files.header_json import HeaderError, check_tensor
from lora_mixer.files.limits import DTYPE_BYTES, Limits
from lora_mixer.files.pickles.archive import open_archive
from lora_mixer.files.pickles.machine import Described, read_pickle
from lora_mixer.files.pickles.placing import placed
from lora_mixer.files.pickles.words import PickledTensor, PickleError, Storage
from lora_mixer.files.tensor_file import TensorFile, TensorInfo

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # torch/serialization.py: what a file before torch 1.6 begins with
_SNIFFED_BYTES = 64
_LENGTH_BYTES = 8
_AGAIN = "Download it again."
_VALUES, _BYTES_A_VALUE = 200_000, 32  # a pickle may make so many values, and one more for so many bytes of the file
_REUSE = 2  # all tensors together may be so many times larger than the file: some share a storage

_Read = tuple[object, dict[str, tuple[int, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickledFile:
    """The content of a torch.save file, with no tensor read yet.

    Attributes:
        path: The file.
        size: Its size in bytes.
        content: Tables, lists, texts, numbers and `PickledTensor` descriptions, as they stand in it.
        places: By the key of a storage: its first byte in the file, and its size in bytes.
    """

    path: Path
    size: int
    content: object
    places: Mapping[str, tuple[int, int]]

    def table(self, tensors: Mapping[str, PickledTensor], limits: Limits) -> TensorFile:
        """Return some of the tensors as a file whose tensors can be read.

        Raises:
            BrokenFileError: A name, shape, stride or place is impossible, or they are too many.
        """
        if len(tensors) > limits.keys:
            what = f"it holds {len(tensors):,} tensors, more than the {limits.keys:,} allowed"
            raise BrokenFileError(what, where=str(self.path))
        infos: dict[str, TensorInfo] = {}
        total = 0
        for key, tensor in tensors.items():
            try:
                count = check_tensor(key, tensor.dtype, tensor.shape, limits)
                infos[key] = placed(key, tensor, count, *self.places[tensor.storage.key])
            except (HeaderError, PickleError) as error:
                raise BrokenFileError(str(error), where=f"{self.path}, key {key[:80]!r}") from error
            total += count * DTYPE_BYTES[tensor.dtype]
        if total > _REUSE * self.size:
            what = f"{total:,} bytes of tensors cannot come out of a file of {self.size:,}"
            raise BrokenFileError(what, where=str(self.path))
        return TensorFile(
            path=self.path,
            size=self.size,
            data_start=0,
            tensors=MappingProxyType(infos),
            metadata=MappingProxyType({}),
        )


def open_pickled_file(path: Path, *, limits: Limits, at_most: int | None = None) -> PickledFile:
    """Read what a file of torch.save says of itself: nothing in it is run, and no tensor is read.

    Args:
        path: The file.
        limits: What it may hold.
        at_most: The largest size in bytes; None for any.

    Raises:
        MissingFileError: It is not there, or is no regular file.
        UnsafeFileError: It asks for anything but tensors and plain values, so unpickling it could run code.
        BrokenFileError: It is no such file, damaged, or larger than allowed.
    """
    with open_file(path, at_most=at_most) as handle:
        start = b""
        try:
            size = handle.seek(0, 2)
            handle.seek(0)
            start = handle.read(_SNIFFED_BYTES)
            read = _read_archive if start.startswith(b"PK") else _read_old
            content, places = read(handle, size, limits)
        except OSError as error:
            raise unreadable(path, error) from error
        except PickleError as error:
            raise _refused(path, start, error) from error
    return PickledFile(path=path, size=size, content=content, places=MappingProxyType(places))


def _refused(path: Path, start: bytes, error: PickleError) -> FileError:
    if error.unsafe:
        return UnsafeFileError(str(error), where=str(path), remedy="Take the .safetensors version of it.")
    foreign = detect(start)
    if foreign is not None and foreign.error is BrokenFileError:
        return BrokenFileError(foreign.what, where=str(path), remedy=foreign.remedy)
    return BrokenFileError(f"this is no file that torch.save wrote: {error}", where=str(path), remedy=_AGAIN)


def _read_archive(handle: BinaryIO, size: int, limits: Limits) -> _Read:
    """Read a file of torch 1.6 or later: a zip archive of a pickle and one record for each storage."""
    archive = open_archive(handle, size, 2 * limits.keys + 100)
    roots = [name[: -len("data.pkl")] for name in archive.records if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise PickleError("it is a zip archive without the record data.pkl, or with several")
    (root,) = roots
    if root + "byteorder" in archive.records and archive.read(root + "byteorder", 16) != b"little":
        raise PickleError("its numbers are in the byte order of another machine")
    described = read_pickle(archive.read(root + "data.pkl", limits.header_bytes), 0, _values(size))
    return described.value, {key: archive.place(f"{root}data/{key}") for key in described.storages}


def _read_old(handle: BinaryIO, size: int, limits: Limits) -> _Read:
    """Read a file of an earlier torch: five pickles, then each storage with its length before it."""
    handle.seek(0)
    data = handle.read(min(size, limits.header_bytes))  # reading makes room for what is asked, not for what is there
    values = _values(size)
    magic = read_pickle(data, 0, values)
    protocol = read_pickle(data, magic.end, values)
    if magic.value != _MAGIC or protocol.value != _PROTOCOL:
        raise PickleError("its first bytes are not those of torch.save")
    system = read_pickle(data, protocol.end, values)
    if not isinstance(system.value, dict) or system.value.get("little_endian") is not True:
        raise PickleError("its numbers are in the byte order of another machine")
    described = read_pickle(data, system.end, values)
    keys = read_pickle(data, described.end, values)
    if not isinstance(keys.value, list):
        raise PickleError("it does not say which storages follow")
    return described.value, dict(_old_places(handle, size, keys, described.storages))


def _old_places(
    handle: BinaryIO, size: int, keys: Described, storages: Mapping[str, Storage]
) -> Iterator[tuple[str, tuple[int, int]]]:
    at = keys.end
    left = dict(storages)
    for key in keys.value if isinstance(keys.value, list) else ():
        storage = left.pop(key, None) if isinstance(key, str) else None
        if storage is None:
            raise PickleError("a storage follows that nothing in it names")
        handle.seek(at)
        count = int.from_bytes(handle.read(_LENGTH_BYTES), "little")
        length = count * DTYPE_BYTES[storage.dtype]
        at += _LENGTH_BYTES
        if at + length > size:
            raise PickleError("it is cut short")
        yield key, (at, length)
        at += length
    if left:
        raise PickleError("a storage that it names does not follow")


def _values(size: int) -> int:
    return _VALUES + size // _BYTES_A_VALUE

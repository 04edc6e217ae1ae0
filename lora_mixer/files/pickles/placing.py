"""Where a tensor of a pickle lies in its file, proven to lie within its storage before anything is allocated."""

from __future__ import annotations

from lora_mixer.files.limits import DTYPE_BYTES
from lora_mixer.files.pickles.words import PickledTensor, PickleError
from lora_mixer.files.tensor_file import TensorInfo


def placed(key: str, tensor: PickledTensor, count: int, begin: int, size: int) -> TensorInfo:
    """Return where a tensor lies.

    Args:
        key: Its name.
        tensor: As the pickle describes it.
        count: Its elements, the product of its sides.
        begin: The first byte of its storage in the file.
        size: The storage's size in bytes.

    Raises:
        PickleError: It reaches beyond its storage, has more elements than that (a stride of 0 repeats them), or the
            storage is not as large as it is said to be.
    """
    storage, item = tensor.storage, DTYPE_BYTES[tensor.dtype]
    unit = DTYPE_BYTES[storage.dtype]
    if storage.whole * unit != size:
        raise PickleError(f"its storage is said to take {storage.whole * unit:,} bytes, but takes {size:,}")
    if len(tensor.strides) != len(tensor.shape):
        raise PickleError("it has not as many strides as axes")
    room = storage.numel * unit // item
    reach = sum((side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True)) if count else -1
    if count > room or tensor.offset + reach >= max(room, 1):
        raise PickleError(
            f"a tensor of shape {list(tensor.shape)} and strides {list(tensor.strides)} reaches beyond its storage "
            f"of {room:,} elements"
        )
    start = begin + storage.begin * unit + tensor.offset * item
    return TensorInfo(
        key=key,
        dtype=tensor.dtype,
        shape=tensor.shape,
        start=start,
        end=start + (reach + 1) * item,
        strides=_strides(tensor.shape, tensor.strides) if count else None,
    )


def _strides(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the strides, or None for C order; the stride of an axis of one says nothing."""
    told = tuple(1 if side == 1 else stride for side, stride in zip(shape, strides, strict=True))
    step, plain = 1, []
    for side in reversed(shape):
        plain.append(1 if side == 1 else step)
        step *= side
    return None if told == tuple(reversed(plain)) else told

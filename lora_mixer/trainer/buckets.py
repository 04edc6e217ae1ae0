"""Aspect-ratio buckets: sizes of about one area, so that no picture is cropped more than it must be.

Source: NovelAI's aspect ratio bucketing (2022), as sd-scripts has it (`BucketManager`): every width that is a multiple of
the step between the smallest and the largest side, with the largest height that keeps the area.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lora_mixer.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A size in pixels that some pictures are trained at."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """How a picture comes to its bucket's size: enlarged or shrunk so that it covers it, then cut.

    Attributes:
        width: The picture's width after resizing, in pixels.
        height: Likewise.
        left: How much is cut off at the left.
        top: Likewise, above.
    """

    width: int
    height: int
    left: int
    top: int


def buckets_of(
    resolution: int, *, smallest: int | None = None, largest: int | None = None, step: int = 64
) -> tuple[Bucket, ...]:
    """Return the sizes of about `resolution` x `resolution` pixels, the square one among them.

    Args:
        resolution: The side of the square, in pixels; a multiple of 8.
        smallest: The shortest side; half the resolution if None.
        largest: The longest side; twice the resolution if None.
        step: Sides are multiples of this.

    Raises:
        RequestError: The resolution or the step is no multiple of 8, or a limit leaves nothing.

    >>> [(bucket.width, bucket.height) for bucket in buckets_of(512, smallest=384, largest=640)]
    [(384, 640), (448, 576), (512, 512), (576, 448), (640, 384)]
    """
    if resolution < 8 or resolution % 8 or step < 8 or step % 8:
        raise RequestError(f"buckets of {resolution} in steps of {step} are not possible", remedy="Use multiples of 8.")
    low = resolution // 2 if smallest is None else smallest
    high = resolution * 2 if largest is None else largest
    if not low <= resolution <= high:
        raise RequestError(f"buckets from {low} to {high} leave {resolution} out", remedy="Widen the limits.")
    sizes = {(resolution, resolution)}
    for width in range(-(-low // step) * step, high + 1, step):
        height = min(high, resolution * resolution // width) // step * step
        if height >= low:
            sizes |= {(width, height), (height, width)}
    return tuple(Bucket(width=width, height=height) for width, height in sorted(sizes))


def bucket_for(width: int, height: int, buckets: tuple[Bucket, ...]) -> Bucket:
    """Return the bucket whose shape is nearest to a picture's: that with the least difference of log ratios."""
    ratio = math.log(width / height)
    return min(buckets, key=lambda bucket: (abs(math.log(bucket.width / bucket.height) - ratio), bucket.width))


def crop_for(width: int, height: int, bucket: Bucket) -> Crop:
    """Return how a picture of width x height pixels comes to a bucket's size, cut evenly at both ends."""
    scale = max(bucket.width / width, bucket.height / height)
    resized = max(bucket.width, round(width * scale)), max(bucket.height, round(height * scale))
    return Crop(
        width=resized[0],
        height=resized[1],
        left=(resized[0] - bucket.width) // 2,
        top=(resized[1] - bucket.height) // 2,
    )

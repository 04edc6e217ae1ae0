"""An input picture at the size a render draws at, what of it is drawn anew, and how the result is put back.

What is done is what the field does, by AUTOMATIC1111's names; the sizes are those of diffusers' `VaeImageProcessor`
(`resize`, `get_crop_region`, `apply_overlay`), with which tests compare them. `fill` is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from lora_mixer.choices.inputs import CROP_AND_RESIZE, JUST_RESIZE, NOT_MASKED, ONLY_MASKED, ORIGINAL, RESIZE_AND_FILL
from lora_mixer.errors import RequestError

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""

LANCZOS = Image.Resampling.LANCZOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Inpainting:
    """What is drawn anew of a picture, and how.

    Attributes:
        mode: Whether white or black of the mask is drawn anew (`MASK_MODES`).
        blur: Deviation of the Gaussian that softens the seam between what is kept and what is drawn, in pixels of the
            input picture; which latent cells are drawn is said by the mask itself.
        content: What lies under the mask before noise is put on it (`MASKED_CONTENTS`).
        area: The whole picture, or the part around the mask (`INPAINT_AREAS`).
        padding: Pixels of the input picture that are added to that part on every side.
    """

    mode: str
    blur: int
    content: str
    area: str
    padding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """An input picture as a render starts from it.

    Attributes:
        picture: RGB, at the size that is drawn.
        mask: Mode L at the same size: white is drawn anew; None: all of it.
        kept: What the result is laid over, RGB: the picture itself, at its own size where only a part is drawn.
        shares: Mode L, as large as `kept`: how much of the result shows.
        part: Where in `kept` the result lies; None: it is all of it.
    """

    picture: Image.Image
    mask: Image.Image | None = None
    kept: Image.Image | None = None
    shares: Image.Image | None = None
    part: Box | None = None

    def redrawn(self, scale: int = 1) -> NDArray[np.float32]:
        """Return what is drawn anew, 1 or 0: of every `scale` pixels in a row or column the first, as diffusers has it.

        (height / scale, width / scale); ones without a mask.
        """
        if self.mask is None:
            return np.ones((self.picture.height // scale, self.picture.width // scale), dtype=np.float32)
        return (np.asarray(self.mask)[::scale, ::scale] >= 128).astype(np.float32)

    def put_back(self, drawn: Image.Image) -> Image.Image:
        """Return a result with what the mask keeps laid over it."""
        if self.kept is None or self.shares is None:
            return drawn
        whole = drawn
        if self.part is not None:
            left, top, right, bottom = self.part
            whole = self.kept.copy()
            whole.paste(resized(drawn, CROP_AND_RESIZE, right - left, bottom - top), (left, top))
        return Image.composite(whole, self.kept, self.shares)


def canvas_of(
    picture: Image.Image,
    width: int,
    height: int,
    *,
    resize_mode: str = JUST_RESIZE,
    mask: Image.Image | None = None,
    inpainting: Inpainting | None = None,
) -> Canvas:
    """Return an input picture at a size.

    Args:
        picture: The picture, of any mode.
        width: In pixels.
        height: In pixels.
        resize_mode: How it is brought to the size (`RESIZE_MODES`).
        mask: What is drawn anew, of any mode; one of another size is stretched over the picture.
        inpainting: How that is done.

    Raises:
        RequestError: The mask covers nothing.
    """
    picture = _flat(picture)
    if mask is None or inpainting is None:
        return Canvas(picture=resized(picture, resize_mode, width, height))
    hard = mask_over(mask, picture.size, inpainting.mode)
    shares = hard.filter(ImageFilter.GaussianBlur(inpainting.blur)) if inpainting.blur else hard
    if inpainting.area == ONLY_MASKED:
        part = part_of(shares, width, height, padding=inpainting.padding)
        small, white = (resized(image.crop(part), RESIZE_AND_FILL, width, height) for image in (picture, hard))
        whole = picture
    else:
        part = None
        small, white, seam = (resized(image, resize_mode, width, height) for image in (picture, hard, shares))
        whole, shares = small, seam.point([min(2 * value, 255) for value in range(256)])
    return Canvas(
        picture=small if inpainting.content == ORIGINAL else filled(small, white),
        mask=white,
        kept=whole,
        shares=shares,
        part=part,
    )


def resized(image: Image.Image, mode: str, width: int, height: int) -> Image.Image:
    """Return an image at a size, by one of `RESIZE_MODES`."""
    if mode == JUST_RESIZE or image.size == (width, height):
        return image.resize((width, height), LANCZOS)
    by_width = width, image.height * width // image.width
    by_height = image.width * height // image.height, height
    wider = width / height > image.width / image.height
    size = by_width if wider == (mode == CROP_AND_RESIZE) else by_height
    scaled = image.resize((max(size[0], 1), max(size[1], 1)), LANCZOS)
    left, top = width // 2 - scaled.width // 2, height // 2 - scaled.height // 2
    if mode == CROP_AND_RESIZE:
        return scaled.crop((-left, -top, width - left, height - top))
    return _filled_up(scaled, width, height, left, top)


def _filled_up(scaled: Image.Image, width: int, height: int, left: int, top: int) -> Image.Image:
    """Return an image at a place in a larger one, its edges drawn out over the rest, as Pillow reads beyond an edge."""
    wide, high = scaled.size
    right, bottom = left + wide, top + high
    whole = Image.new(scaled.mode, (width, height))
    whole.paste(scaled, (left, top))
    strips = (
        ((0, 0, wide, 0), (0, 0, width, top)),
        ((0, high, wide, high), (0, bottom, width, height)),
        ((0, 0, 0, high), (0, 0, left, height)),
        ((wide, 0, wide, high), (right, 0, width, height)),
    )
    for edge, place in strips:
        size = place[2] - place[0], place[3] - place[1]
        if min(size) > 0:
            whole.paste(scaled.resize(size, box=edge), place)
    return whole


def part_of(mask: Image.Image, width: int, height: int, *, padding: int) -> Box:
    """Return the part of a picture around what its mask covers, in the proportions of a size as far as it goes."""
    box = mask.getbbox()
    assert box is not None
    left, top = max(box[0] - padding, 0), max(box[1] - padding, 0)
    right, bottom = min(box[2] + padding, mask.width), min(box[3] + padding, mask.height)
    ratio = width / height
    if (right - left) / (bottom - top) > ratio:
        top, bottom = _widened(top, bottom, (right - left) / ratio, mask.height)
    else:
        left, right = _widened(left, right, (bottom - top) * ratio, mask.width)
    return left, top, right, bottom


def filled(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """Return a picture whose masked part takes the colours around it, the more blurred the farther from its edge.

    Push-pull interpolation (Gortler et al. 1996, "The Lumigraph", section 3.4): averages of what is known at ever coarser
    sizes fill what is not known at finer ones.
    """
    known = 1.0 - np.asarray(mask, dtype=np.float32)[..., None] / 255.0
    colours = np.asarray(picture, dtype=np.float32)
    return Image.fromarray(_pulled(colours * known, known).round().clip(0, 255).astype(np.uint8))


def _pulled(colours: NDArray[Any], known: NDArray[Any]) -> NDArray[Any]:
    """Return (h, w, 3) colours where those that are known in part, already weighted, are completed from coarser ones."""
    height, width = known.shape[:2]
    if max(height, width) == 1 or known.min() >= 1.0:
        whole: NDArray[Any] = colours / np.maximum(known, 1e-6)
        return whole
    half = (height + 1) // 2, (width + 1) // 2
    coarse, share = (_halved(values, half) for values in (colours, known))
    full = np.minimum(4 * share, 1.0)  # a cell of which a quarter is known is known
    below = _pulled(coarse / np.maximum(share, 1e-6) * full, full)
    spread: NDArray[Any] = colours + (1.0 - known) * _at_size(below, (height, width), Image.Resampling.BILINEAR)
    return spread


def _halved(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return _at_size(values, size, Image.Resampling.BOX)


def _at_size(values: NDArray[np.float32], size: tuple[int, int], how: Image.Resampling) -> NDArray[np.float32]:
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(values[..., channel])).resize(size[::-1], how))
        for channel in range(values.shape[2])
    ]
    return np.stack(planes, axis=-1)


def _flat(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, on white where it is transparent."""
    if picture.mode not in {"LA", "RGBA"}:
        return picture.convert("RGB")
    opaque = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), opaque).convert("RGB")


def mask_over(mask: Image.Image, size: tuple[int, int], mode: str) -> Image.Image:
    """Return a mask over a picture of a size, in which white is drawn anew.

    Raises:
        RequestError: It covers nothing.
    """
    light, opaque = (np.asarray(band, dtype=np.uint16) for band in mask.convert("LA").split())
    shares = Image.fromarray(((light * opaque + 127) // 255).astype(np.uint8))
    if shares.size != size:
        shares = shares.resize(size, LANCZOS)
    if mode == NOT_MASKED:
        shares = ImageOps.invert(shares)
    if np.asarray(shares).max() < 128:
        raise RequestError(
            "the mask covers nothing, so nothing would be drawn anew",
            remedy=f"Paint white what is to be drawn anew, or take the mask mode `{NOT_MASKED}`.",
        )
    return shares


def _widened(low: int, high: int, to: float, limit: int) -> tuple[int, int]:
    """Return a stretch made longer about its middle, moved to lie between 0 and a limit, and cut where it cannot."""
    more = max(int(to - (high - low)), 0)
    low, high = low - more // 2, high + more - more // 2
    over = max(high - limit, 0)
    low, high = low - over, high - over
    return max(low, 0), min(high - min(low, 0), limit)
